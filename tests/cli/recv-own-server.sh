#!/usr/bin/env bash
# qrx-recv without --server: a server of its own, gone without a trace afterwards; without home, state, or anything.
. "$(dirname "$0")/../support/qrx.sh"
echo hello >hello.txt

# own NAME CMD...: qrx-recv in the background; sets link when it waits
own() {
  local name=$1
  shift
  rm -f "$name.err" "$name.out"
  in_background "$name" "$@"
  wait_for 20 grep -q 'HTTPS\?://' "$work/$name.err"
  link=$(grep -o -m 1 'HTTPS\?://[^ ]*' "$work/$name.err")
}
children() { pgrep -P "$1" || true; }

own recv qrx-recv -o in/
expect_match '^Serving at http://' recv.err
child=$(children "$pid_recv")
[ -n "$child" ] || fail 'it has no child'
expect_equal 700 "$(stat -c %a "$XDG_STATE_HOME"/qrx/own-*)" 'mode of its data'
run curl -sS --noproxy '*' -T hello.txt "${link%%#*}/"
expect_status 0
expect_match '^sent successfully' out
finish recv
expect_status 0
expect_equal in/hello.txt "$(cat recv.out)" stdout
ended "$child" || fail 'its server still runs'
expect_equal '' "$(find "$XDG_STATE_HOME/qrx" -name 'own-*')" 'what its server left'

# --- killed: the server goes too, and the next one cleans up
own recv qrx-recv --bind 127.0.0.1:0 -o in/
expect_match '^Only this machine can reach that address' recv.err
child=$(children "$pid_recv")
kill -KILL "$pid_recv"
wait_for 10 ended "$child"

# --- --bind with a wildcard, --public-url
own recv qrx-recv --bind 0.0.0.0:0 -o in/
expect_no_match 'HTTP://0\.0\.0\.0' recv.err
kill -TERM "$pid_recv"
finish recv
expect_status 143
own recv qrx-recv --bind 127.0.0.1:0 --public-url https://qrx.example/box -o in/
expect_match 'HTTPS://QRX\.EXAMPLE/box/u/' recv.err
kill -TERM "$pid_recv"
finish recv
expect_status 143

# --- a port alone, with a colon or without: on the address that is chosen without --bind
for form in '' :; do
  for _ in 1 2 3; do # the port may be taken meanwhile
    port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
    rm -f recv.err
    in_background recv qrx-recv --bind "$form$port" -o in/
    wait_for 20 grep -q 'HTTPS\?://\|cannot' "$work/recv.err"
    grep -q '^Serving at' recv.err && break
    finish recv
  done
  expect_match "^Serving at http://.*:$port until this command ends" recv.err
  kill -TERM "$pid_recv"
  finish recv
  expect_status 143
done

# --- without --bind the usual port, and another one while that is in use
for _ in $(seq 60); do # another test may have it for a while
  own first qrx-recv -o in/
  grep -q '^Serving at http://[^ ]*:8461 ' first.err && break
  kill -TERM "$pid_first"
  finish first
  sleep 0.5
done
expect_match '^Serving at http://[^ ]*:8461 ' first.err
own second qrx-recv -o in/
expect_no_match '^Serving at http://[^ ]*:8461 ' second.err
kill -TERM "$pid_first" "$pid_second"
finish first
expect_status 143
finish second
expect_status 143

# --- QRX_BIND is that of qrx-serve
QRX_BIND=127.0.0.9:0 own recv qrx-recv -o in/
expect_no_match 127.0.0.9 recv.err
kill -TERM "$pid_recv"
finish recv
QRX_RECV_BIND=127.0.0.9:0 own recv qrx-recv -o in/
expect_match '^Serving at http://127.0.0.9:' recv.err
kill -TERM "$pid_recv"
finish recv

# --- other people in the network cannot open spaces on it
own recv qrx-recv --bind 127.0.0.1:0 -o in/
base=$(grep -o -m 1 'http://127[^ ,]*' recv.err)
code=$(curl -s -o answer -w '%{http_code}' -X POST -H 'Content-Type: application/json' -d '{}' "$base/api/v1/spaces")
case $code in 401 | 403) ;; *) fail "a stranger opening a space got $code" ;; esac
kill -TERM "$pid_recv"
finish recv

# --- as cron starts it: no home, no environment
own recv env -i PATH=/usr/bin:/bin "$QRX_BIN/qrx-recv" --bind 127.0.0.1:0 -o "$work/cron/"
run env -i "$QRX_BIN/qrx-send" -l "$link" "$work/hello.txt"
expect_status 0
finish recv
expect_status 0
expect_same_file cron/hello.txt hello.txt

# --- a state directory that cannot be written (a file stands where it should be: root writes everywhere)
touch state-file
XDG_STATE_HOME=$work/state-file own recv qrx-recv --bind 127.0.0.1:0 -o readonly/
XDG_STATE_HOME=$work/state-file run qrx-send -l "$link" hello.txt
expect_status 0
finish recv
expect_status 0
expect_same_file readonly/hello.txt hello.txt

# --- --keep: it serves on until it is told to end
own recv qrx-recv --bind 127.0.0.1:0 --keep -o kept/
run qrx-send -l "$link" hello.txt
expect_status 0
wait_for 20 grep -q '^The space stays until' recv.err
owner=$(grep -o -m 1 'http://.*/s/.*' recv.err)
run qrx-recv -q -o - "$owner"
expect_status 0
expect_same_file out hello.txt
expect_equal 1 "$(find "$XDG_STATE_HOME/qrx/spaces" -name '*.json' | wc -l)" 'records of kept spaces'
kill -INT "$pid_recv"
finish recv
expect_status 130
expect_equal 0 "$(find "$XDG_STATE_HOME/qrx/spaces" -name '*.json' | wc -l)" 'records of kept spaces afterwards'

# --- options from the environment and from the file
mkdir -p "$XDG_CONFIG_HOME/qrx"
printf '[recv]\nbind = "127.0.0.1:0"\noutput = "from-file/"\nquiet = true\n' >"$XDG_CONFIG_HOME/qrx/config.toml"
own recv qrx-recv
expect_equal "$link" "$(cat recv.err)" 'with quiet from the file'
QRX_LINK=$link run qrx-send hello.txt
expect_status 0
finish recv
expect_same_file from-file/hello.txt hello.txt
QRX_OUTPUT=from-environment/ QRX_QUIET=0 own recv qrx-recv
expect_match '^Serving at' recv.err
QRX_LINK=$link QRX_QUIET=1 run qrx-send hello.txt
expect_equal '' "$(cat err)" 'stderr with QRX_QUIET'
finish recv
expect_same_file from-environment/hello.txt hello.txt
