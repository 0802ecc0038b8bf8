# shellcheck shell=bash disable=SC2034
# For test scripts that source qrx.sh before: a PostgreSQL of their own, on a Unix socket, which ends with the script.
#   start_postgresql [SETTING=VALUE...]   sets postgresql, its address without a database
#   stop_postgresql [MODE]                smart, fast (the default) or immediate, which is a crash
#   launch_postgresql                     again, after that

# PostgreSQL refuses to run as root: then it runs as the user of its package, who may not see the directory of the test.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    env -C / setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
  else
    "$@"
  fi
}

postgresql_programs=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -1)

end_with_postgresql() {
  local code=$?
  stop_postgresql immediate 2>/dev/null
  rm -rf "$pg_home"
  (exit "$code")
  end_of_test
}

# An empty one, in $pg_home/data. Of all tests of one run only the first makes it: the others copy that.
make_postgresql() {
  local made=${QRX_RUN_CACHE:+$QRX_RUN_CACHE/postgresql}
  if [ -n "$made" ] && [ -d "$made" ]; then
    cp -a "$made" "$pg_home/data"
    return
  fi
  mkdir "$pg_home/data"
  chmod 700 "$pg_home/data"
  if [ "$(id -u)" -eq 0 ]; then chown postgres: "$pg_home/data"; fi
  as_postgres "$postgresql_programs/initdb" -D "$pg_home/data" -U postgres -A trust -E UTF8 --locale=C --no-sync \
    >"$pg_home/initdb.log" 2>&1 || fail "initdb: $(cat "$pg_home/initdb.log")"
  [ -z "$made" ] || { cp -a "$pg_home/data" "$made.$$" && mv -T "$made.$$" "$made"; } 2>/dev/null || rm -rf "$made.$$"
}

start_postgresql() {
  local setting
  [ -x "$postgresql_programs/initdb" ] || skip "PostgreSQL is not installed"
  pg_home=$(mktemp -d /tmp/qrx-pg-XXXXXX) # short: a path of a socket has at most 107 bytes
  trap end_with_postgresql EXIT
  chmod 755 "$pg_home"
  mkdir "$pg_home/socket"
  if [ "$(id -u)" -eq 0 ]; then chown postgres: "$pg_home/socket"; fi
  make_postgresql
  {
    echo "listen_addresses = ''"
    echo "unix_socket_directories = '$pg_home/socket'"
    echo "max_connections = 100"
    echo "shared_buffers = 64MB"
    for setting in "$@"; do echo "${setting%%=*} = '${setting#*=}'"; done
  } >>"$pg_home/data/postgresql.conf"
  launch_postgresql
  postgresql="host=$pg_home/socket user=postgres"
}

launch_postgresql() {
  as_postgres "$postgresql_programs/pg_ctl" -D "$pg_home/data" -l "$pg_home/socket/log" -w -t 60 start >/dev/null ||
    fail "PostgreSQL does not start: $(cat "$pg_home/socket/log")"
}

stop_postgresql() {
  as_postgres "$postgresql_programs/pg_ctl" -D "$pg_home/data" -m "${1:-fast}" -w stop >/dev/null
}
