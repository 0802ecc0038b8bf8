#!/usr/bin/env bash
# Who waits at one node is woken by what happens at another; addresses with passwords, databases that are not there, and the
# module that is missing are told in one line.
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"

start_postgresql fsync=off
psql -q "$postgresql dbname=postgres" -c 'CREATE DATABASE qrx'
catalog="postgresql://postgres@/qrx?host=$pg_home/socket"

node() { # NAME: a node of its own; sets url_NAME
  in_background "$1" qrx-serve --bind 127.0.0.1:0 --data "$work/$1" --blobs "dir:$work/blobs" --catalog "$catalog"
  local file=$work/$1.out
  is_ready() { [ -s "$file" ]; }
  wait_for 20 is_ready
  read -r "url_$1" <"$file"
}
mkdir blobs
node one
node two
server_url=${url_one%/}
new_space
two=${url_two%/}
auth="Authorization: Bearer $token"

# Asks again until the space has so many deliveries: that an upload was begun may be told before it has ended.
cat >waiter.sh <<'END'
while :; do
  curl -sS -H "$auth" "$1?after=$after&wait=40" >state.json || exit 1
  read -r after got < <(/usr/bin/python3 -c 'import json; d = json.load(open("state.json")); print(d["seq"], len(d["deliveries"]))')
  [ "$got" -lt "$2" ] || exit 0
done
END

# A node sees at once what another has done, and wakes who waits for it.
export auth after
for number in 1 2 3 4 5 6 7 8 9 10; do
  after=$(curl -sS -H "$auth" "$two/api/v1/spaces/$guid" | json - "d['seq']")
  in_background waiter bash waiter.sh "$two/api/v1/spaces/$guid" "$number"
  echo "hello $number" | curl -sS -f -o put.out -T - "$server_url/u/$guid/hello$number.txt" || fail "PUT: $(cat put.out)"
  finish waiter 30
  expect_status 0
  expect_equal "$number" "$(json state.json "len(d['deliveries'])")" "deliveries"
done
file=$(json state.json "d['deliveries'][9]['files'][0]['file']")
expect_equal "hello 10" "$(curl -sS -H "$auth" "$two/api/v1/spaces/$guid/files/$file")" "a file sent to the other node"

# Beside the nodes: the operator's commands, which need no server.
run qrx-serve list --data "$work/three" --blobs "dir:$work/blobs" --catalog "$catalog"
expect_status 0
expect_match "^$guid	open	10	" out
run qrx-serve migrate --data "$work/three" --blobs "dir:$work/blobs" --catalog "$catalog"
expect_status 0
expect_match "up to date" err

# What is wrong is one line, and the status says whether it may pass.
refused() { # STATUS PATTERN ARGUMENT...
  local status_wanted=$1 pattern=$2
  shift 2
  run timeout 30 qrx-serve --bind 127.0.0.1:0 --data "$work/four" --blobs "dir:$work/blobs" "$@"
  expect_status "$status_wanted"
  expect_match "$pattern" err
  expect_no_match 'secret' err
  [ "$(wc -l <err)" -le 2 ] || fail "more than a line and a hint: $(cat err)"
}
refused 2 "may not contain a password" --catalog "postgresql://qrx:secret@localhost/qrx"
refused 2 "may not contain a password" --catalog "$catalog" --catalog-listen "postgresql://qrx:secret@localhost/qrx"
refused 2 "is not an address" --catalog "postgresql://[::1/qrx"
refused 75 "cannot connect" --catalog "postgresql://postgres@/nothing?host=$pg_home/socket"
refused 75 "cannot connect" --catalog "postgresql://127.0.0.1:1/qrx"
psql -q "$postgresql dbname=qrx" -c 'UPDATE qrx SET writes_since=1000'
refused 2 "a newer qrx-serve" --catalog "$catalog"
psql -q "$postgresql dbname=qrx" -c 'UPDATE qrx SET version=0, writes_since=1'
refused 75 "qrx-serve migrate|older" --catalog "$catalog"
run qrx-serve --bind 127.0.0.1:0 --data "$work/four" --catalog "$catalog"
expect_status 2
expect_match "needs --blobs" err
cp "$QRX_BIN/qrx-serve" alone
run ./alone --data "$work/four" --blobs "dir:$work/blobs" --catalog "$catalog"
expect_status 75
expect_match "qrx-server-cluster" err

# One machine alone has none of this loaded.
in_background plain qrx-serve --bind 127.0.0.1:0 --data "$work/plain"
is_ready() { [ -s plain.out ]; }
wait_for 20 is_ready
expect_no_match "libpq|qrx-postgresql" "/proc/$pid_plain/maps"
expect_match "libpq" "/proc/$pid_one/maps"
