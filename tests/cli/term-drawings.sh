#!/usr/bin/env bash
# QR codes drawn in real terminal emulators are read from screenshots: every colour depth and form, dark and light.
# run: timeout=300
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/screen.sh"
need_screen
[ -x "$QRX_BIN/qr-draw" ] || skip "built without the tests' programs"
start_screen

# 115 characters are version 5 in upper case, 41x21 cells; with a key and in both cases they would be version 6.
link=HTTPS://QRX.EXAMPLE.NET:8443/U/ABCDEFGHIJKLMNOPQRSTUVWXYA#AGE1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ

scan() { qrx-scan 1500 <"$1" | sed -n 's/^text //p' | base64 -d; }
both_read() {
  screenshot "$1"
  # Without colours glyphs stand for whole modules, and seams between them: more than zbar bears.
  # In Noto Sans Mono half blocks do not fill their cells: the same.
  if [ "$2" = none ] || [[ $1 == *-NotoSansMono-* ]]; then
    [ "$(scan "$1")" = "$link" ] && return 0
  fi
  [ "$(zbarimg --quiet --raw -Sdisable -Sqrcode.enable "$1" 2>/dev/null)" = "$link" ] && [ "$(scan "$1")" = "$link" ]
}

draw_and_read() { # EMULATOR THEME FONT SIZE COLOURS [invert]
  local name="$1-$2-${3// /}-$4-$5.png"
  in_terminal "$1" "$2" "$3" "$4" qr-draw "${4%x*}" "${4#*x}" "$5" "$link" ${6:+"$6"}
  [ "$terminal_status" = 0 ] || fail "$name: not drawn"
  [ -z "${QRX_KEEP_SHOTS:-}" ] || { sleep 0.3; screenshot "$QRX_KEEP_SHOTS/$name"; }
  wait_for 10 both_read "$name" "$5"
  close_terminal
}

for theme in dark light; do
  for colours in 8 16 256 true; do
    draw_and_read xterm "$theme" 'DejaVu Sans Mono' 80x24 "$colours"
  done
  draw_and_read xterm "$theme" 'DejaVu Sans Mono' 100x48 256
  draw_and_read xterm "$theme" 'Liberation Mono' 80x24 256
  draw_and_read xterm "$theme" 'Liberation Mono' 100x48 16
  for font in 'Noto Sans Mono' Hack; do
    if fc-list | grep -q "$font"; then draw_and_read xterm "$theme" "$font" 80x24 256; fi
  done
done
draw_and_read xterm light 'DejaVu Sans Mono' 80x24 none
draw_and_read xterm dark 'DejaVu Sans Mono' 80x24 none invert

if command -v urxvt >/dev/null; then
  for theme in dark light; do
    draw_and_read urxvt "$theme" 'DejaVu Sans Mono' 80x24 256
    draw_and_read urxvt "$theme" 'Liberation Mono' 80x24 16
    draw_and_read urxvt "$theme" 'DejaVu Sans Mono' 100x48 256
  done
fi

# Too small a window: a sentence instead of a clipped code.
in_terminal xterm dark 'DejaVu Sans Mono' 80x18 qr-draw 80 18 256 "$link"
[ "$terminal_status" = 1 ] || fail "a code that does not fit was drawn"
close_terminal
