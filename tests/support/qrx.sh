# shellcheck shell=bash disable=SC2034
# For test scripts in bash: . "$QRX_SOURCE/tests/support/qrx.sh" (or by its path from the script, when run by hand).
# Gives a work directory that is removed at the end, background processes that are ended with the script, a server on a
# free port, and assertions that say what they saw. Nothing here sleeps for a fixed time: wait_for asks again.
#
#   work              the script's directory (it is the current one)
#   start_server [ARG...]        qrx-serve on 127.0.0.1:0 with its data in $work/data; sets server_url, server_pid, server_log
#   stop_server                  SIGTERM, and waits for its end
#   new_space [JSON]             makes a space; sets guid, drop, owner, token
#   in_background NAME CMD...    output to NAME.out and NAME.err; sets pid_NAME; ended with the script
#   finish NAME [SECONDS]        waits for it; sets status
#   run CMD...                   runs it; sets status, output to out and err (files), never fails itself
#   wait_for SECONDS CMD...      until CMD succeeds; fails the test when it does not in that time
#   expect_status N, expect_equal WANT GOT [ABOUT], expect_match REGEX FILE, expect_no_match REGEX FILE,
#   expect_same_file A B, expect_file PATH, expect_no_file PATH
#   json FILE-OR-- EXPRESSION    prints a value: json state.json "d['deliveries'][0]['files']"
#   fail TEXT                    ends the test
#   skip TEXT                    ends the test as skipped: something that it needs is not on this machine
set -uo pipefail

QRX_SOURCE=${QRX_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
QRX_BIN=${QRX_BIN:-$QRX_SOURCE/build/bin}
case $PATH in "$QRX_BIN":*) ;; *) PATH=$QRX_BIN:$PATH ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/qrx.XXXXXX")
if [ -z "${QRX_TEST_MARK:-}" ]; then # run by hand: keep away from the person's own files
  export HOME=$work/home XDG_STATE_HOME=$work/home/state XDG_CONFIG_HOME=$work/home/config XDG_RUNTIME_DIR=$work/run
  mkdir -p "$HOME" "$XDG_RUNTIME_DIR"
  unset QRX_SERVER
fi
export QRX_SOURCE QRX_BIN PATH LC_ALL=C.UTF-8
cd "$work" || exit 1

background=()
end_of_test() {
  local code=$? pid
  trap - EXIT
  for pid in "${background[@]:-}"; do [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null; done
  wait 2>/dev/null
  cd / && rm -rf "$work"
  exit "$code"
}
trap end_of_test EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  printf 'FAILED (line %s): %s\n' "$(caller_line)" "$*" >&2
  local file
  for file in "$work"/*.err "$work"/err; do
    if [ -s "$file" ]; then printf -- '--- %s\n' "${file##*/}" >&2 && tail -n 25 "$file" >&2; fi
  done
  exit 1
}
# The line of the script itself that led here.
caller_line() {
  local depth
  for ((depth = ${#BASH_SOURCE[@]} - 1; depth > 0; depth--)); do
    [ "${BASH_SOURCE[depth]}" = "$0" ] && { echo "${BASH_LINENO[depth - 1]}"; return; }
  done
  echo '?'
}
skip() {
  printf '%s\n' "$*"
  exit 77
}

now_ms() { date +%s%3N; }

wait_for() {
  local seconds=$1 limit
  shift
  limit=$(($(now_ms) + seconds * 1000))
  until "$@" >/dev/null 2>&1; do
    [ "$(now_ms)" -lt "$limit" ] || fail "not in $seconds s: $*"
    sleep 0.03
  done
}
ended() { ! kill -0 "$1" 2>/dev/null || [ "$(awk '{print $3}' "/proc/$1/stat" 2>/dev/null)" = Z ]; }

in_background() {
  local name=$1
  shift
  : >"$work/$name.out" 2>"$work/$name.err"  # what an earlier one of that name said is not read as the answer of this one
  "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
  background+=("$!")
  printf -v "pid_$name" '%s' "$!"
}
finish() {
  local pid_name=pid_$1
  wait_for "${2:-30}" ended "${!pid_name}"
  wait "${!pid_name}"
  status=$?
}

run() {
  "$@" >"$work/out" 2>"$work/err" </dev/null
  status=$?
}

server_number=0
start_server() {
  server_number=$((server_number + 1))
  local name=serve$server_number pid_name
  in_background "$name" qrx-serve --bind 127.0.0.1:0 --data "$work/data" "$@"
  pid_name=pid_$name
  server_pid=${!pid_name}
  server_log=$work/$name.err
  server_ready() { [ -s "$work/$name.out" ] || ended "$server_pid"; }
  wait_for 20 server_ready
  read -r server_url <"$work/$name.out" || fail "qrx-serve said no base URL: $(tail -n 3 "$server_log")"
  server_url=${server_url%/}
}
stop_server() {
  kill -TERM "$server_pid"
  wait_for 15 ended "$server_pid"
  wait "$server_pid"
  status=$?
}

json() {
  /usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin if sys.argv[1] == "-" else open(sys.argv[1]))
v = eval(sys.argv[2])
print(v if isinstance(v, str) else json.dumps(v))' "$1" "$2"
}

new_space() {
  local body=${1:-}
  [ -n "$body" ] || body='{}'
  curl -sS --fail-with-body -o "$work/space.json" -H 'Content-Type: application/json' --data-binary "$body" \
    "$server_url/api/v1/spaces" || fail "cannot make a space: $(cat "$work/space.json")"
  guid=$(json "$work/space.json" "d['guid']")
  drop=$(json "$work/space.json" "d['drop']")
  owner=$(json "$work/space.json" "d['owner']")
  token=$(json "$work/space.json" "d['token']")
}

expect_status() {
  [ "$status" -eq "$1" ] || fail "exit status $status instead of $1"
}
expect_equal() {
  [ "$1" = "$2" ] || fail "${3:-value}: expected '$1', got '$2'"
}
expect_match() {
  grep -Eq -- "$1" "$2" || fail "no '$1' in ${2##*/}: $(head -c 2000 "$2")"
}
expect_no_match() {
  ! grep -Eq -- "$1" "$2" || fail "'$1' in ${2##*/}: $(grep -E -m 3 -- "$1" "$2")"
}
expect_same_file() {
  cmp -- "$1" "$2" >&2 || fail "$1 and $2 differ"
}
expect_file() {
  [ -f "$1" ] || fail "there is no file $1: $(ls -A "$(dirname "$1")" 2>&1 | head -n 20)"
}
expect_no_file() {
  [ ! -e "$1" ] && [ ! -L "$1" ] || fail "there is $1"
}
