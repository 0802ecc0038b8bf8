#!/usr/bin/env bash
# qrx-send with video files and streams: ffmpeg decodes, the sandboxed helper reads.
# run: timeout=400
. "$(dirname "$0")/../support/qrx.sh"
[ -x "$QRX_BIN/qr-film" ] || skip "built without the tests' programs"
command -v ffmpeg >/dev/null || skip "ffmpeg is not installed"
start_server
new_space
link=$(tr 'a-z' 'A-Z' <<<"$drop")
echo hello >hello.txt

film() { # FILE SCENE FRAMES [TEXT]
  qr-film "$2" 640x480 "$3" "${4:-$link}" | ffmpeg -v error -y -f image2pipe -framerate 30 -c:v pgm -i - "${@:5}" "$1" ||
    fail "ffmpeg could not make $1"
}
film code.mp4 approach 30
film code.webm shake 20 "$link" -c:v libvpx -deadline realtime
film code.avi shake 20 "$link" -c:v mjpeg
film code.mkv shake 20
film empty.mkv empty 10

run qrx-send -c code.mp4 hello.txt
expect_status 0
expect_equal 'sent successfully' "$(tail -n 1 err)" 'last line'
for video in code.mp4 code.webm code.avi code.mkv; do
  run qrx-send --scan-only -c "$video"
  expect_equal "$link" "$(cat out)" "$video"
done
QRX_CAMERA=code.mkv run qrx-send --scan-only
expect_equal "$link" "$(cat out)" 'QRX_CAMERA'
cp code.mkv ./-i
run qrx-send --scan-only -c -i
expect_equal "$link" "$(cat out)" 'a file called -i'
cp code.mkv 'concat:a|%03d.mkv'
run qrx-send --scan-only -c './concat:a|%03d.mkv'
expect_equal "$link" "$(cat out)" 'a file whose name means something to ffmpeg'
qrx-send --scan-only -c - <code.mkv >out 2>err || fail 'a video from stdin'
expect_equal "$link" "$(cat out)" 'a video from stdin'

# --- 7: the end without a code, no video, the time is up
run qrx-send -c empty.mkv hello.txt
expect_status 7
expect_match '^qrx-send: no QR code found in empty.mkv$' err
for bad in hello.txt /dev/fd/7; do
  run qrx-send -c $bad hello.txt 7<"$QRX_SOURCE/README.md"
  expect_status 7
  expect_match "cannot read $bad: no video" err
done
mkfifo slow
exec 8<>slow
run qrx-send -c slow -t 1s hello.txt
expect_status 7

# --- a playlist in a file leads nowhere; other addresses neither
printf '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://%s/code.mkv\n#EXT-X-ENDLIST\n' "$work" >list.m3u8
run qrx-send --scan-only -c list.m3u8
expect_status 7
printf "ffconcat version 1.0\nfile '%s/code.mkv'\n" "$work" >list.ffconcat
run qrx-send --scan-only -c list.ffconcat
expect_status 7
for address in ftp://127.0.0.1/x file://"$work"/code.mkv 'http://' $'http://a b/'; do
  run qrx-send --scan-only -c "$address"
  expect_status 2
done

# --- streams
/usr/bin/python3 -u -m http.server --bind 127.0.0.1 0 >web.out 2>web.err &
background+=("$!")
wait_for 30 grep -qs 'port [0-9]' web.out
port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' web.out)
run qrx-send --scan-only -c "http://127.0.0.1:$port/code.mkv"
expect_equal "$link" "$(cat out)" 'a stream'
expect_match '^show the QR code to http' err
run qrx-send --scan-only -c "http://127.0.0.1:$port/nothing.mkv"
expect_status 75
expect_match '^hint: ffmpeg says: .*404' err

# --- nothing left to save from it, however it ends
children() { pgrep -P "$1" | wc -l | grep -qx 2; }
for signal in INT:130 KILL:137; do
  in_background watch env --default-signal=INT qrx-send -c slow --scan-only
  wait_for 10 children "$pid_watch"
  pgrep -P "$pid_watch" >pids
  kill "-${signal%:*}" "$pid_watch"
  finish watch 10
  expect_status "${signal#*:}"
  while read -r pid; do wait_for 5 ended "$pid"; done <pids
done

# --- without ffmpeg
mkdir empty-path
PATH=$work/empty-path run "$QRX_BIN/qrx-send" --scan-only -c code.mkv
expect_status 1
expect_match 'ffmpeg is not installed' err
expect_match '^hint: install it, or give a picture' err
