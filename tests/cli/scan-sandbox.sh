#!/usr/bin/env bash
# The scan helper shuts itself in before it reads a byte of the picture: seen from outside, by the kernel and by strace.
. "$(dirname "$0")/../support/qrx.sh"

sandboxed() { grep -q '^Seccomp:[[:space:]]*2$' "/proc/$pid_scan/status"; }

# A picture that does not come: the helper waits for it in its sandbox.
mkfifo picture
exec 7<>picture
"$QRX_BIN/qrx-scan" 1500 <&7 >scan.out 2>scan.err &
pid_scan=$!
background+=("$pid_scan")
wait_for 10 sandboxed
expect_match '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid_scan/status"
expect_equal 1 "$(grep '^Threads:' "/proc/$pid_scan/status" | tr -dc 0-9)" "threads of the helper"
kill -KILL "$pid_scan"
wait "$pid_scan" 2>/dev/null

command -v strace >/dev/null || skip "strace is not installed: what the helper calls was not looked at"
# What strace saw, in calls. After the filter: the picture comes in, the answer goes out, memory and clocks; nothing else.
shut_in() { # [camera]: whose pictures are fetched by ioctl
  sed -n '/seccomp(SECCOMP_SET_MODE_FILTER/,$p' calls | sed 's/^[0-9]* *//; s/(.*//' | tail -n +2 | sort -u >names
  expect_no_match '^(open|openat|socket|execve|clone|fork|vfork|connect|stat|newfstatat|readlink)$' names
  [ "${1:-}" = camera ] && return
  expect_no_match '^ioctl$' names
  expect_match '^read$' names
  # Not one byte of the picture before the filter.
  sed '/seccomp(SECCOMP_SET_MODE_FILTER/q' calls >before
  expect_no_match 'read\(0,' before
}
# Without a sandbox nothing is read and nothing is said.
no_sandbox() { # STDIN ARG...
  local from=$1
  shift
  strace -f -o calls -e inject=seccomp:error=EPERM "${preload[@]}" "$QRX_BIN/qrx-scan" "$@" <"$from" >answer
  expect_equal 3 $? "exit status without a sandbox, $*"
  expect_equal '' "$(cat answer)" "said without a sandbox, $*"
  expect_no_match 'read\(0,' calls
}
preload=()

command -v convert >/dev/null || skip "ImageMagick is not installed: what the helper calls was not looked at"
convert -size 300x200 plasma:tomato-blue -seed 7 noise.png
for format in png jpg webp gif bmp; do
  convert noise.png "noise.$format"
  strace -f -o calls "$QRX_BIN/qrx-scan" 1500 <"noise.$format" >answer || fail "$format: the helper failed: $(tail -n 1 calls)"
  expect_equal 'end searched - 300 200' "$(tail -n 1 answer)" "$format"
  shut_in
done

no_sandbox noise.png 1500

# The same for the preview of what was received.
for format in png jpg webp gif bmp; do
  strace -f -o calls "$QRX_BIN/qrx-scan" show 40 40 <"noise.$format" >answer || fail "$format: show failed: $(tail -n 1 calls)"
  [ -s answer ] || fail "$format: nothing is shown"
  shut_in
done
no_sandbox noise.png show 40 40

# The same for one who watches: pictures come in a pipe, or from a camera.
[ -x "$QRX_BIN/qr-film" ] || exit 0
qr-film empty 320x240 3 >film.pgms
for source in film live; do
  strace -f -o calls "$QRX_BIN/qrx-scan" watch $source <film.pgms >answer || fail "$source: the watching helper failed: $(tail -n 1 calls)"
  expect_equal 'end searched - 320 240' "$(tail -n 1 answer)" "$source"
  shut_in
  no_sandbox film.pgms watch $source
done

# The camera that it is made to believe in answers within the process, but waits by a call: no picture before that.
[ -x "$QRX_BIN/fake-camera.so" ] && ! ldd "$QRX_BIN/qrx-scan" | grep -Eq 'libtsan|libasan' || exit 0
preload=(-E LD_PRELOAD="$QRX_BIN/fake-camera.so" -E FAKE_CAMERA_FRAMES="$work/film.pgms" -E FAKE_CAMERA_FORMAT=MJPG -E FAKE_CAMERA_TROUBLE=unplugged)
strace -f -o calls "${preload[@]}" "$QRX_BIN/qrx-scan" watch camera </dev/zero >answer || fail "the camera's helper failed: $(tail -n 1 calls)"
expect_match '^end .* 320 240$' answer
shut_in camera
expect_match '^poll$' names
sed '/seccomp(SECCOMP_SET_MODE_FILTER/q' calls >before
expect_no_match '(poll\(|read\(0,)' before
no_sandbox /dev/zero watch camera
