#!/usr/bin/env bash
# qrx-send in a pipe: pictures, links, sums, names, trees; every exit status.
. "$(dirname "$0")/../support/qrx.sh"
start_server
new_space
printf 'hello\n' >hello.txt
head -c 300000 /dev/urandom >noise.bin

# ends STATUS REGEX ARG...
ends() {
  local wanted=$1 said=$2
  shift 2
  run timeout 90 qrx-send "$@"
  [ "$status" -eq "$wanted" ] || fail "exit status $status instead of $wanted: qrx-send $*"
  expect_match "$said" err
  expect_equal '' "$(cat out)" "stdout of qrx-send $*"
}
stored() { qrx-recv -q -o "$1/" "$owner" >stored.out; }

# --- the code in a picture; what stdout and stderr say
in_background recv qrx-recv -s "$server_url" --qr-file code.png -o got/
wait_for 20 test -s code.png
run qrx-send -i code.png hello.txt noise.bin
expect_status 0
expect_equal 'sent successfully' "$(tail -n 1 err)" 'the last line of stderr'
expect_no_match $'\e' err
finish recv
expect_status 0
if command -v xxh128sum >xxh.path; then
  (cd got && xxh128sum -c --quiet ../out) || fail 'xxh128sum -c does not agree'
fi
expect_equal 2 "$(wc -l <out)" 'lines on stdout'

# --- the picture from stdin, --scan-only, --any, the link as the picture has it
qrx-send -i - --scan-only <code.png >link 2>err || fail 'a picture from stdin'
expect_match '^HTTP://127\.0\.0\.1:[0-9]+/U/[A-Z2-7]{26}#AGE1[0-9A-Z]{58}$' link
run qrx-send -i code.png --scan-only --any
expect_same_file out link
run qrx-send -i code.png --scan-only --thorough
expect_same_file out link
run qrx-send -i code.png --scan-only --json
expect_equal "$(cat link)" "$(json out "d['text']")" 'the event code'

# --- a link in any case, in the environment, as data
run qrx-send -l "$(tr 'A-Z' 'a-z' <<<"$drop")" -q hello.txt
expect_status 0
expect_equal '' "$(cat err)" 'stderr with -q'
QRX_LINK=$drop run qrx-send hello.txt
expect_status 0

# --- stdin with a name, a message, --sha256
new_space
printf 'from a pipe\n' | qrx-send -q -l "$drop" --name 'a name.txt' --sha256 - >out || fail 'data from stdin'
expect_equal "$(printf 'from a pipe\n' | sha256sum | cut -d' ' -f1)  a name.txt" "$(cat out)" 'line with --sha256'
stored piped || fail 'the owner gets nothing'
expect_equal 'from a pipe' "$(cat 'piped/a name.txt')" 'what was piped'
(cd piped && sha256sum -c --quiet ../out) || fail 'sha256sum -c does not agree'

# --- a tree, with odd names
new_space
mkdir -p 'tree/sub dir/.hidden' && printf 1 >'tree/sub dir/a b' && printf 2 >'tree/sub dir/.hidden/x' && printf 3 >tree/--option &&
  printf 4 >'tree/[brackets]' && printf 5 >tree/$'caf\u00e9' && ln -s 'sub dir/a b' tree/link && ln -s /etc/passwd tree/outside
mkfifo tree/pipe
run qrx-send -l "$drop" tree
expect_status 0
expect_match 'outside' err
expect_match 'pipe' err
expect_no_match 'passwd$' out
stored trees || fail 'the owner gets no tree'
expect_equal "$(cd tree && find . -type f -o -name link | sort)" "$(cd trees/tree && find . -type f | sort)" 'files of the tree'
cd tree || exit 1
new_space
run qrx-send -l "$drop" -- --option '[brackets]'
expect_status 0
cd "$work" || exit 1

# --- --limit-rate
new_space
began=$(now_ms)
run qrx-send -q -l "$drop" --limit-rate 150K noise.bin
expect_status 0
[ $(($(now_ms) - began)) -ge 900 ] || fail "300 kB at 150 KiB/s took $(($(now_ms) - began)) ms"

# --- a link that carries a key: sealed, unless told otherwise
new_space
key=age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj
run qrx-send -l "$drop#$key" hello.txt
expect_status 0
expect_match '^encrypted: only the receiver can read it$' err
run qrx-send --seal off -l "$drop#$key" hello.txt
expect_status 0
expect_match '^not encrypted, as you asked' err
run qrx-send -l "$drop" hello.txt
expect_status 0
expect_match '^not encrypted, for the link has no key' err

# --- 2: usage
ends 2 '^qrx-send: nothing to send$' -l "$drop"
ends 2 'cannot be used together' -l "$drop" -i code.png hello.txt
ends 2 'only one of all' -i - -
ends 2 'is a link, not a file$' "$drop" hello.txt
expect_match '^hint: send to it with: qrx-send -l LINK FILE$' err
ends 2 'is a link, not a file$' hello.txt "$drop#$key"
ends 2 '^qrx-send: ' -l 'javascript:alert(1)' hello.txt
ends 2 '^qrx-send: ' -l "$owner" hello.txt
ends 2 '^qrx-send: ' -l "http://user@127.0.0.1/u/$guid" hello.txt
ends 2 'takes no FILE' --scan-only -i code.png hello.txt
ends 2 'cannot be used together' -c 0 -i code.png hello.txt
ends 2 'only one of all' -c - -
ends 2 'streams are http' -c gopher://x hello.txt
ends 2 'needs --scan-only' --any -l "$drop" hello.txt
ends 2 'the link has no key' --seal require -l "$drop" hello.txt
ends 2 '^qrx-send: --limit-rate: ' --limit-rate fast -l "$drop" hello.txt
ends 2 'is not one of auto, require, off' --seal maybe -l "$drop" hello.txt

# --- 2: two codes that lead to different places
in_background other qrx-recv -s "$server_url" --qr-file other.png -t 60s
wait_for 20 test -s other.png
ends 2 "$(cat link)" -i code.png -i other.png hello.txt
kill -TERM "$pid_other"
run qrx-send -i code.png -i code.png --scan-only
expect_status 0

# --- 1 and 6: data first, before any picture is looked at
ends 1 '^qrx-send: cannot read nothing: no such file' -i nowhere.png nothing
printf x >$'esc\e[2J'
run qrx-send -l "$drop" $'esc\e[2J'
expect_status 0
expect_match 'name changed: esc.x1b\[2J is sent as esc%1B\[2J' err
expect_no_match $'\e' err

# --- 7: no code
convert -size 200x200 xc:white white.png 2>convert.err || cp "$QRX_SOURCE/README.md" white.png
ends 7 '^qrx-send: ' -i white.png hello.txt
ends 7 '^qrx-send: ' -i hello.txt hello.txt
ends 7 '^qrx-send: ' -i white.png --scan-only
ends 7 '^qrx-send: ' -i white.png --scan-only --thorough

# --- 4, 5: over a limit, gone
new_space '{"max_size": 1000, "max_files": 1}'
ends 4 '^qrx-send: ' -l "$drop" noise.bin
ends 5 'does not exist or has expired' -l "$server_url/u/aaaaaaaaaaaaaaaaaaaaaaaaaa" hello.txt

# --- 75: nobody there
ends 75 'refused' -l "http://127.0.0.1:1/u/$guid" hello.txt

# --- 141: nobody reads
new_space
{ qrx-send -q -l "$drop" hello.txt 2>pipe.err; echo $? >pipe.status; } | true
wait_for 5 test -s pipe.status
case $(cat pipe.status) in 0 | 141) ;; *) fail "a closed stdout gave $(cat pipe.status)" ;; esac
run bash -c 'qrx-send -q -l "$1" hello.txt >&-' bash "$drop"
[ "$status" -ne 0 ] || fail 'a closed stdout descriptor went unnoticed'
