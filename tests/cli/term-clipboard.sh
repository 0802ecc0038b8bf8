#!/usr/bin/env bash
# Clipboards that people have, none of them a stand-in: X11 by xclip, Wayland by wl-clipboard, and that of a terminal (OSC 52) by itself,
# in GNU screen and in tmux, as on a machine that is reached by SSH.
# run: timeout=200
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/screen.sh"
need_screen
for tool in xclip screen tmux; do command -v $tool >/dev/null || skip "$tool is not installed"; done
start_server
start_screen

copied() { timeout 5 xclip -selection "${1:-clipboard}" -o; }
holds() { [ "$(copied "$2")" = "$1" ]; }
offers() { timeout 5 xclip -selection clipboard -t TARGETS -o | grep -q "$1"; } # xclip ends before it owns the clipboard

# --- X11: a text there and back, and a picture. What xclip leaves running keeps the text when qrx-recv has ended.
unset WAYLAND_DISPLAY
in_background recv qrx-recv -s "$server_url" --no-qr --qr-file code.png -n 2 --clipboard -o in/
wait_for 20 test -s code.png
printf 'see you at 8 \342\230\203' | xclip -selection clipboard -i >/dev/null 2>&1
wait_for 10 holds 'see you at 8 ☃' clipboard
run qrx-send -i code.png --clipboard
expect_status 0
convert -size 20x20 xc:red red.png
xclip -selection clipboard -t image/png -i red.png >/dev/null 2>&1
wait_for 10 offers image/png
run qrx-send -i code.png --clipboard
expect_status 0
finish recv 20
expect_equal 0 "$status" "qrx-recv: $(cat recv.err)"
expect_match 'copied to the clipboard by xclip' recv.err
expect_same_file red.png in/clipboard.png
rm code.png
in_background again qrx-recv -s "$server_url" --no-qr --qr-file code.png --clipboard
wait_for 20 test -s code.png
run qrx-send -i code.png -T 'kept after the end'
finish again 20
wait_for 10 holds 'kept after the end' clipboard

# --- the terminal's own: no desktop within it
within() { # NAME SELECTION WORDS COMMAND...
  local name=$1 selection=$2 words=$3
  shift 3
  rm -f code.png
  printf nothing | xclip -selection "$selection" -i >/dev/null 2>&1
  cat >"$name.sh" <<END
#!/bin/bash
unset DISPLAY WAYLAND_DISPLAY
cd '$work'
qrx-recv -s '$server_url' --no-qr --qr-file code.png --clipboard >$name.out 2>$name.err
echo \$? >$name.status
for _ in {1..300}; do [ -e $name.seen ] && break; sleep 0.1; done
END
  chmod +x "$name.sh"
  xterm -xrm 'XTerm*allowWindowOps: false' -xrm 'XTerm*disallowedWindowOps: 1' -e "$@" "$work/$name.sh" >"$name.xterm" 2>&1 </dev/null &
  terminal_pid=$!
  background+=("$terminal_pid")
  wait_for 20 test -s code.png
  run qrx-send -i code.png -T "$words"
  expect_status 0
  wait_for 20 test -s "$name.status"
  expect_equal "0 $words" "$(cat "$name.status" "$name.out" | tr '\n' ' ' | sed 's/ $//')" "$name: $(cat "$name.err")"
  wait_for 10 holds "$words" "$selection" || fail "$name: $(copied "$selection")"
  : >"$name.seen"
  wait "$terminal_pid"
}
within plain clipboard 'a text for xterm' bash -c 'exec "$0"'
expect_match 'asked the terminal to copy it \(OSC 52\)' plain.err
long=$(seq -s ' ' 2000)  # longer than what screen takes in one piece
within screen clipboard "$long" screen -c /dev/null
expect_match 'asked the terminal to copy it \(OSC 52\)' screen.err
# tmux names no selection: xterm takes its first one then, other terminals the clipboard.
within tmux primary 'a text for tmux' tmux -L "qrx-$$" -f /dev/null new-session
expect_match 'copied to the clipboard by tmux' tmux.err
exit 0
