#!/usr/bin/env bash
# Codes and pictures in foot, a Wayland terminal, on a screen that is not there: read from screenshots, and sixel by its colours.
# run: timeout=200
. "$(dirname "$0")/../support/qrx.sh"
for tool in cage foot grim Xwayland setpriv zbarimg convert; do command -v $tool >/dev/null || skip "$tool is not installed"; done
[ -x "$QRX_BIN/qr-draw" ] || skip "built without the tests' programs"

# cage refuses to run as root: then it runs as nobody, in a place of its own.
place=$(mktemp -d /tmp/qrx-foot.XXXXXX)
trap 'code=$?; [ -z "${QRX_KEEP_SHOTS:-}" ] || cp "$place"/*.png "$QRX_KEEP_SHOTS/"; rm -rf "$place"; (exit $code); end_of_test' EXIT
mkdir -m 700 "$place/run"
cp "$QRX_BIN/qr-draw" "$QRX_BIN/qrx-scan" "$QRX_BIN/qrx-show" "$place/"
as=()
if [ "$(id -u)" = 0 ]; then
  as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  chown -R 65534:65534 "$place"
fi

# The answer to "where is the cursor" comes when everything before it was drawn.
shot() { # NAME THEME FONT COMMAND
  local colours=(-o colors.background=000000 -o colors.foreground=e0e0e0)
  [ "$2" = dark ] || colours=(-o colors.background=ffffff -o colors.foreground=202020)
  cat >"$place/$1.sh" <<END
#!/bin/bash
cd $place
$4
stty -echo -icanon
printf '\e[?25l\e[6n'
IFS= read -r -d R -t 10 _
sleep 0.3
grim $1.png
END
  chmod +x "$place/$1.sh"
  (cd "$place" && env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME="$place" XDG_RUNTIME_DIR="$place/run" WLR_BACKENDS=headless WLR_LIBINPUT_NO_DEVICES=1 \
    WLR_RENDERER=pixman "${as[@]}" timeout 30 cage -- foot -f "$3:size=9" "${colours[@]}" "$place/$1.sh") >"$1.out" 2>"$1.err" </dev/null
  [ -s "$place/$1.png" ] || skip "there is no picture of the screen here: $(tail -n 1 "$1.err")"
}

link=HTTPS://QRX.EXAMPLE.NET:8443/U/ABCDEFGHIJKLMNOPQRSTUVWXYA#AGE1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ
for case in 'dark:DejaVu Sans Mono:80 24 true' 'light:Liberation Mono:80 24 256' 'dark:Liberation Mono:90 43 16' 'light:DejaVu Sans Mono:80 24 8'; do
  IFS=: read -r theme font how <<<"$case"
  name=code-$theme-${how// /-}
  shot "$name" "$theme" "$font" "./qr-draw $how '$link'"
  expect_equal "$link" "$(zbarimg --quiet --raw -Sdisable -Sqrcode.enable "$place/$name.png" 2>/dev/null)" "$name by zbar"
  expect_equal "$link" "$(qrx-send --scan-only --any -i "$place/$name.png")" "$name by qrx-send"
done

# A picture: half of it red, half blue.
convert -size 400x150 xc:'#ff0000' -size 400x150 xc:'#0000ff' -append "$place/photo.png"
shot sixel dark 'DejaVu Sans Mono' './qrx-scan show 400 300 <photo.png | ./qrx-show sixel 16777216 1 60 20 10 20'
for colour in red:'#ff0000' blue:'#0000ff'; do
  count=$(convert "$place/sixel.png" -fuzz 8% -fill white -opaque "${colour#*:}" -fill black +opaque white -format '%[fx:int(mean*w*h)]' info:)
  [ "$count" -gt 20000 ] || fail "of the ${colour%:*} half of the picture $count pixels are on the screen"
done
