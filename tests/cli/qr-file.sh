#!/usr/bin/env bash
# The code as a file: PNG and SVG say the drop link to zbar and to our own reader.
. "$(dirname "$0")/../support/qrx.sh"
start_server
for format in png svg; do
  in_background "recv_$format" qrx-recv --server "$server_url" --json --no-qr --qr-file "code.$format" -o "out-$format"
  wait_for 10 grep -q '"event":"space"' "recv_$format.out"
  wait_for 10 test -s "code.$format"
  link=$(head -n 1 "recv_$format.out" | json - "d['drop']")
  picture=code.$format
  if [ "$format" = svg ]; then
    command -v rsvg-convert >/dev/null || skip "rsvg-convert is not installed: the SVG was not looked at"
    rsvg-convert -w 600 code.svg -o svg.png || fail "rsvg-convert cannot read the SVG"
    picture=svg.png
  fi
  expect_equal "$link" "$(zbarimg --quiet --raw "$picture" 2>/dev/null)" "$format read by zbar"
  run qrx-send --scan-only -i "$picture"
  expect_status 0
  expect_equal "$link" "$(cat out)" "$format read by qrx-send"
  kill -TERM "$(eval echo "\$pid_recv_$format")"
done

# Any other ending is refused before a space is opened.
run qrx-recv --server "$server_url" --no-qr --qr-file code.tiff -o out-tiff --timeout 5s
expect_status 2
