#!/usr/bin/env bash
# The scan helper shuts itself in before it reads a byte of the picture: seen from outside, by the kernel and by strace.
. "$(dirname "$0")/../support/qrx.sh"

caged() { grep -q '^Seccomp:[[:space:]]*2$' "/proc/$pid_scan/status"; }

# A picture that does not come: the helper waits for it in its cage.
mkfifo picture
exec 7<>picture
"$QRX_BIN/qrx-scan" 1500 <&7 >scan.out 2>scan.err &
pid_scan=$!
background+=("$pid_scan")
wait_for 10 caged
expect_match '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid_scan/status"
expect_equal 1 "$(grep '^Threads:' "/proc/$pid_scan/status" | tr -dc 0-9)" "threads of the helper"
kill -KILL "$pid_scan"
wait "$pid_scan" 2>/dev/null

command -v strace >/dev/null || skip "strace is not installed: what the helper calls was not looked at"
command -v convert >/dev/null || skip "ImageMagick is not installed: what the helper calls was not looked at"
convert -size 300x200 plasma:tomato-blue -seed 7 noise.png
for format in png jpg webp gif bmp; do
  convert noise.png "noise.$format"
  strace -f -o calls "$QRX_BIN/qrx-scan" 1500 <"noise.$format" >answer || fail "$format: the helper failed: $(tail -n 1 calls)"
  expect_equal 'end searched - 300 200' "$(tail -n 1 answer)" "$format"
  # After the filter: the picture comes in, the answer goes out, memory and clocks; nothing else.
  sed -n '/seccomp(SECCOMP_SET_MODE_FILTER/,$p' calls | sed 's/^[0-9]* *//; s/(.*//' | tail -n +2 | sort -u >names
  expect_no_match '^(open|openat|socket|execve|clone|fork|vfork|connect|ioctl|stat|newfstatat|readlink)$' names
  expect_match '^read$' names
  # Not one byte of the picture before the filter.
  sed '/seccomp(SECCOMP_SET_MODE_FILTER/q' calls >before
  expect_no_match 'read\(0,' before
done

# The same for one who watches: pictures come in a pipe, or from a camera.
[ -x "$QRX_BIN/qr-film" ] || exit 0
qr-film empty 320x240 3 >film.pgms
strace -f -o calls "$QRX_BIN/qrx-scan" watch film <film.pgms >answer || fail "the watching helper failed: $(tail -n 1 calls)"
expect_equal 'end searched - 320 240' "$(tail -n 1 answer)" 'a film'
sed -n '/seccomp(SECCOMP_SET_MODE_FILTER/,$p' calls | sed 's/^[0-9]* *//; s/(.*//' | tail -n +2 | sort -u >names
expect_no_match '^(open|openat|socket|execve|clone|fork|vfork|connect|ioctl|stat|newfstatat|readlink)$' names
sed '/seccomp(SECCOMP_SET_MODE_FILTER/q' calls >before
expect_no_match 'read\(0,' before
