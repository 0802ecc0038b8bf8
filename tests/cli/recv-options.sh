#!/usr/bin/env bash
# qrx-recv in a pipe: where it saves, what it prints where, each option for saving and waiting.
. "$(dirname "$0")/../support/qrx.sh"
start_server
printf 'hello\n' >hello.txt
head -c 300000 /dev/urandom >noise.bin

# receive ARG...: qrx-recv in the background on our server; sets drop when it waits
receive() {
  rm -f "$work/recv.err" "$work/recv.out"
  in_background recv qrx-recv -s "$server_url" "$@"
  wait_for 20 grep -q "HTTP://" "$work/recv.err"
  drop=$(grep -o -m 1 "HTTP://[^ ]*" "$work/recv.err")
}
send() {
  run qrx-send -q -l "$drop" "$@"
  expect_status 0
}
done_with() {
  finish recv
  expect_status "$1"
}

# --- here, by default; the path on stdout, everything else on stderr
mkdir here && cd here || exit 1
receive
expect_equal '' "$(cat "$work/recv.out")" 'stdout while it waits'
send "$work/hello.txt"
done_with 0
expect_equal hello.txt "$(cat "$work/recv.out")" stdout
expect_match '^upload successful: hello.txt, 6 B$' "$work/recv.err"
expect_no_match $'\e' "$work/recv.err"
expect_same_file hello.txt "$work/hello.txt"
cd "$work" || exit 1

# --- --output: a directory, one with a slash, a name; --on-conflict
receive -o here
send hello.txt
done_with 0
expect_equal 'here/hello (1).txt' "$(cat recv.out)" 'renamed'
receive -o new/
send hello.txt noise.bin
done_with 0
expect_equal $'new/hello.txt\nnew/noise.bin' "$(sort recv.out)" 'two files'
expect_same_file new/noise.bin noise.bin
receive -o named.bin
send hello.txt
done_with 0
expect_same_file named.bin hello.txt
receive -o here --on-conflict overwrite
send hello.txt
done_with 0
expect_equal here/hello.txt "$(cat recv.out)" overwritten
receive -o here --on-conflict refuse
send hello.txt
done_with 9
expect_match '^hint: .*qrx-recv' recv.err   # what was sent is not lost
run qrx-recv -s "$server_url" -o named.bin --on-conflict refuse
expect_status 9

# --- -o -: nothing but the data
receive -o - -q
send hello.txt noise.bin
done_with 0
# One file after the other; which is first is the server's affair.
cat hello.txt noise.bin | cmp -s - recv.out || cat noise.bin hello.txt | cmp - recv.out >&2 || fail 'stdout is not the data'
tar cf tree.tar here
qrx-recv -q -s "$server_url" -o - 2>tar.err | tar x -C new &
background+=("$!")
wait_for 20 grep -q HTTP tar.err
drop=$(cat tar.err)
send tree.tar
wait "$!" || fail 'the pipe into tar failed'
expect_same_file new/here/hello.txt hello.txt
receive -o /dev/null
send noise.bin
done_with 0

# --- --print0, --sha256
receive -o zero/ -0 --sha256
send hello.txt noise.bin
done_with 0
expect_equal 2 "$(tr -cd '\0' <recv.out | wc -c)" NULs
expect_match "$(sha256sum <noise.bin | cut -d' ' -f1)  zero/noise.bin" recv.err

# --- --count, --follow, --timeout, --interval
receive -o n/ -n 2 -i 1s
send hello.txt
send noise.bin
done_with 0
expect_equal 2 "$(grep -c '^upload successful' recv.err)" deliveries
receive -o f/ -f
for _ in 1 2 3; do send hello.txt; done
three() { [ "$(wc -l <recv.out)" -eq 3 ]; }
wait_for 20 three
kill -INT "$pid_recv"
done_with 130
run qrx-recv -s "$server_url" -t 1s
expect_status 8
expect_equal '' "$(cat out)" 'stdout after a timeout'

# --- the space: --label, --max-size, --max-files, --expire; it is deleted afterwards, and kept with --keep
receive -o lim/ --label 'Alice' --max-size 1K --max-files 2 -e 10m
expect_match 'At most 1.0 KiB and 2 files' recv.err
run qrx-send -l "$drop" noise.bin
expect_status 4
run qrx-send -l "$drop" hello.txt
expect_status 0
expect_match "^sending hello.txt, 6 B to 'Alice' at 127.0.0.1" err
done_with 0
run qrx-send -l "$drop" hello.txt
expect_status 5
receive -o keep/ --keep
send hello.txt
done_with 0
owner=$(grep -o 'http://.*/s/.*' recv.err)
record=$(ls "$XDG_STATE_HOME"/qrx/spaces/*.json)
expect_equal 600 "$(stat -c %a "$record")" 'mode of the record'
expect_equal "$owner" "$(json "$record" "d['owner']")" 'owner link in the record'

# --- an owner link downloads, as an argument and from stdin; a drop link does not
run qrx-recv -o again/ "$owner"
expect_status 0
expect_same_file again/hello.txt hello.txt
expect_match '^downloaded: hello.txt' err
printf '%s\n' "$owner" | qrx-recv -q -o - - >out 2>err || fail 'a link on stdin'
expect_same_file out hello.txt
run qrx-recv "$drop"
expect_status 2
run qrx-recv "${owner%?}$([ "${owner: -1}" = a ] && echo b || echo a)"
expect_status 5

# --- --qr-file, --quiet, --exec, messages
receive -q -o x/ --qr-file code.png --exec 'printf "%s|" "$(echo "$QRX_PATHS" | sort | xargs)" "$QRX_SPACE" "$QRX_DELIVERY_FILES" "$QRX_DELIVERY_BYTES" "$QRX_DELIVERY_MESSAGE" >told; read -r x || echo stdin is empty'
expect_equal "$drop" "$(cat recv.err)" 'what -q says'
run qrx-send -i code.png -m 'for you' hello.txt noise.bin
expect_status 0
done_with 0
guid=${drop##*/} && guid=$(tr 'A-Z' 'a-z' <<<"${guid%%#*}")
expect_equal "x/hello.txt x/noise.bin|$guid|2|300006|for you|" "$(cat told)" 'variables of --exec'
expect_match '^stdin is empty$' recv.out
expect_equal "$drop" "$(cat recv.err)" 'what -q says in the end'
receive -o x/ --exec 'exit 7'
send hello.txt
done_with 3
expect_match '^qrx-recv: the command of --exec failed with exit status 7$' recv.err
