#!/usr/bin/env bash
# qrx-send with a camera that the helper is made to believe in: formats, troubles, and that it is released on every way out.
# run: timeout=400
. "$(dirname "$0")/../support/qrx.sh"
[ -x "$QRX_BIN/fake-camera.so" ] || skip "built without the tests' programs"
ldd "$QRX_BIN/qrx-scan" | grep -q libtsan && skip "ThreadSanitizer cannot start behind a preload"
start_server
new_space
link=$(tr 'a-z' 'A-Z' <<<"$drop")
echo hello >hello.txt
qr-film shake 640x480 12 "$link" >code.pgms
qr-film empty 640x480 3 >empty.pgms

# The tools in a folder where the helper has the camera; any character device stands for it, as only the helper asks it.
mkdir tools
cp "$QRX_BIN/qrx-send" tools/
cat >tools/qrx-scan <<END
#!/bin/sh
. "$work/camera"
ASAN_OPTIONS=verify_asan_link_order=0
export FAKE_CAMERA_FRAMES FAKE_CAMERA_FORMAT FAKE_CAMERA_BURST FAKE_CAMERA_TROUBLE ASAN_OPTIONS
LD_PRELOAD=$QRX_BIN/fake-camera.so exec "$QRX_BIN/qrx-scan" "\$@"
END
chmod +x tools/qrx-scan
camera() { # FRAMES [FORMAT [TROUBLE [BURST]]]
  printf 'FAKE_CAMERA_FRAMES=%s FAKE_CAMERA_FORMAT=%s FAKE_CAMERA_TROUBLE=%s FAKE_CAMERA_BURST=%s\n' \
    "$work/$1" "${2:-MJPG}" "${3:-}" "${4:-1}" >camera
}
send() { run timeout 60 tools/qrx-send -c /dev/zero "$@"; }

# --- it sees the code and sends
camera code.pgms
send hello.txt
expect_status 0
expect_match '^show the QR code to /dev/zero; Ctrl-C to stop$' err
expect_equal 'sent successfully' "$(tail -n 1 err)" 'last line'

# --- every format; damaged pictures are passed over
for format in MJPG YUYV NV12 GREY; do
  camera code.pgms $format
  send --scan-only
  expect_equal "$link" "$(cat out)" "$format"
done
for format in MJPG YUYV; do
  camera code.pgms $format damaged
  send --scan-only
  expect_equal "$link" "$(cat out)" "damaged $format"
done

# --- the newest picture counts: three come at a time, the code is on the third
cat empty.pgms empty.pgms <(qr-film approach 640x480 3 "$link" | tail -c $((640 * 480 + 15))) >late.pgms
camera late.pgms GREY '' 7
send --scan-only -v
expect_equal "$link" "$(cat out)" 'the newest picture'

# --- another code does not end it, a drop link after it does; --any takes the first
qr-film shake 640x480 4 'just a word' >word.pgms
cat word.pgms code.pgms >both.pgms
camera both.pgms
send --scan-only
expect_equal "$link" "$(cat out)" 'a drop link after another code'
send --scan-only --any
expect_equal 'just a word' "$(cat out)" '--any'

# --- time is up: 7
camera empty.pgms
send --scan-only -t 1s
expect_status 7
expect_match '^qrx-send: no QR code found in /dev/zero within the time$' err

# --- what cameras do: 1, and how it goes without one
for trouble in deaf:'is not a camera' busy:'another program is using it' unplugged:'has stopped delivering pictures' liar:'has stopped delivering pictures'; do
  camera empty.pgms MJPG "${trouble%%:*}"
  send --scan-only
  expect_status 1
  expect_match "${trouble#*:}" err
  expect_match '^hint: without a camera: --screen for a code on this screen, -i for a picture of it, -l for its link$' err
done
if [ ! -e /dev/video0 ]; then
  run qrx-send hello.txt
  expect_status 1
  expect_match '^qrx-send: there is no camera$' err
  expect_match '^hint: without a camera' err
fi
run qrx-send -c 63 hello.txt
expect_status 1
expect_match '^qrx-send: there is no camera /dev/video63$' err
run qrx-send -c /dev/null hello.txt
expect_status 1
expect_match '/dev/null is not a camera' err

# --- released on every way out: the helper is gone, and with it the device
camera empty.pgms
holds_camera() { [ "$(readlink "/proc/$(cat helper.pid)/fd/0")" = /dev/zero ]; }
[ "$(id -u)" = 0 ] || holds_camera() { :; }  # only root may see what a sandboxed process has open
helper_of() { pgrep -P "$1" -f 'qrx-scan watch camera' >helper.pid && holds_camera; }
for signal in INT:130 TERM:143 HUP:129 KILL:137; do
  in_background watch env --default-signal=INT tools/qrx-send -c /dev/zero --scan-only
  wait_for 10 helper_of "$pid_watch"
  kill "-${signal%:*}" "$pid_watch"
  finish watch 10
  expect_status "${signal#*:}"
  wait_for 5 ended "$(cat helper.pid)"
done
