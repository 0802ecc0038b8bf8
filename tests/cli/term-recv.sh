#!/usr/bin/env bash
# qrx-recv in real terminals: the code on the screenshot is the link it prints, and a sender that has nothing but the
# screenshot delivers. Dark and light, xterm and urxvt, and within GNU screen and tmux.
# run: timeout=300
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/screen.sh"
need_screen
start_server
start_screen
export COLORTERM

shot_reads() {
  screenshot shot.png
  qrx-send --scan-only -i shot.png >scanned 2>scan.err && [ "$(cat scanned)" = "$link" ]
}

receive() { # EMULATOR THEME FONT SIZE COLORTERM [WITHIN]
  local name="$1-$2-${3// /}-$4${6:+-${6%% *}}"
  rm -rf saved events && mkdir saved
  COLORTERM=$5
  # The events go to a file, the code to the terminal.
  # shellcheck disable=SC2086 # a command and its options
  start_terminal "$1" "$2" "$3" "$4" ${6:-} bash -c "cd '$work'; qrx-recv --server $server_url --json -o saved >events"
  wait_for 20 grep -qs '"event":"space"' events
  link=$(head -n 1 events | json - "d['drop']")
  wait_for 20 shot_reads
  [ -z "${QRX_KEEP_SHOTS:-}" ] || cp shot.png "$QRX_KEEP_SHOTS/recv-$name.png"
  expect_equal "$link" "$(zbarimg --quiet --raw -Sdisable -Sqrcode.enable shot.png 2>/dev/null)" "$name read by zbar"
  echo "hello from $name" >message.txt
  run qrx-send -i shot.png message.txt
  expect_status 0
  expect_match '^[0-9a-f]{32}  message.txt$' out
  wait_for 20 grep -qs '"event":"done"' events
  expect_same_file message.txt saved/message.txt
  close_terminal
}

for theme in dark light; do
  receive xterm "$theme" 'DejaVu Sans Mono' 80x24 ''
  receive xterm "$theme" 'Liberation Mono' 100x50 truecolor
  if command -v urxvt >/dev/null; then receive urxvt "$theme" 'DejaVu Sans Mono' 80x24 ''; fi
done
if command -v screen >/dev/null; then receive xterm dark 'DejaVu Sans Mono' 80x24 '' 'screen -c /dev/null'; fi
if command -v tmux >/dev/null; then receive xterm light 'DejaVu Sans Mono' 80x24 '' "tmux -L qrx-$$ -f /dev/null new-session"; fi
