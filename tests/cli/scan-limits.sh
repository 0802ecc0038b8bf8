#!/usr/bin/env bash
# What the tools allow the helpers that see strangers' pictures: memory, processor time, files, descriptors, processes; from outside.
. "$(dirname "$0")/../support/qrx.sh"
ldd "$QRX_BIN/qrx-send" | grep -Eq 'libasan|libtsan' && skip "a sanitized build sets no limit of memory"

# Helpers that do nothing; what they may stays what they may.
mkdir tools
cp "$QRX_BIN/qrx-send" "$QRX_BIN/qrx-recv" tools/
idle() { printf '#!/bin/sh\nexec sleep 60\n' >"tools/$1" && chmod +x "tools/$1"; }
idle qrx-scan
printf 'P5\n1 1\n255\n.' >picture.pgm

helper_runs() { helper=$(pgrep -P "$pid_tool" -x sleep) && [ -n "$helper" ]; }
limit() { # NAME MOST
  local soft hard
  read -r soft hard < <(sed -n "s/^$1  *\([^ ]*\)  *\([^ ]*\).*/\1 \2/p" "/proc/$helper/limits")
  expect_equal "$soft" "$hard" "$mode: the soft and the hard limit, $1"
  if ! [[ $soft =~ ^[0-9]+$ ]] || [ "$soft" -gt "$2" ]; then fail "$mode: $1 is '$soft', not at most $2"; fi
}
# limits MODE MEMORY CPU-SECONDS PROCESSES: of the helper of the tool in the background; "": none is promised
limits() {
  mode=$1
  wait_for 20 helper_runs
  limit 'Max address space' "$2"
  [ -z "$3" ] || limit 'Max cpu time' "$3"
  [ -z "$4" ] || limit 'Max processes' "$4"
  limit 'Max file size' 0
  limit 'Max core file size' 0
  limit 'Max open files' 16
  # The death of the tool is the helper's.
  kill -KILL "$pid_tool"
  wait_for 10 ended "$helper"
}

in_background tool tools/qrx-send --scan-only -i picture.pgm
limits picture $((1536 << 20)) 120 0
in_background tool tools/qrx-send --scan-only -c /dev/zero
limits camera $((1024 << 20)) '' 0

# The preview: first its decoder, then what draws.
start_server
new_space
convert -size 40x40 gradient:red-blue photo.png 2>/dev/null || skip 'ImageMagick is not installed: the preview was not looked at'
curl -sS -o /dev/null -T photo.png "$server_url/u/$guid/"
mkdir saved
in_background tool script -qec "exec tools/qrx-recv --preview always -o saved '$owner'" /dev/null
pid_script=$pid_tool
receiver_runs() { pid_tool=$(pgrep -P "$pid_script" -x qrx-recv) && [ -n "$pid_tool" ]; }
wait_for 20 receiver_runs
limits preview $((1024 << 20)) 8 0
cp "$QRX_BIN/qrx-scan" tools/
idle qrx-show
mkdir again
in_background tool script -qec "exec tools/qrx-recv --preview always -o again '$owner'" /dev/null
pid_script=$pid_tool
wait_for 20 receiver_runs
limits drawing $((1024 << 20)) 8 ''

# What the user set lower stays.
idle qrx-scan
ulimit -v 600000
in_background tool tools/qrx-send --scan-only -i picture.pgm
limits 'a lower limit' $((600000 << 10)) 120 0

# Processor time ends a helper that a picture keeps busy; the clock on the wall does not, or a busy machine would decide.
printf '#!/bin/sh\nwhile :; do :; done\n' >tools/qrx-scan
run bash -c 'ulimit -t 1; exec tools/qrx-send --scan-only -i picture.pgm'
expect_status 7
expect_match 'cannot read the picture' err
command -v perl >/dev/null || skip 'perl is not installed: a helper that waits was not looked at'
printf '#!%s\nselect undef, undef, undef, 2.5; print "qrx-scan 1\\nend searched - 1 1\\n";\n' "$(command -v perl)" >tools/qrx-scan
run bash -c 'ulimit -t 1; exec tools/qrx-send --scan-only -i picture.pgm'
expect_status 7
expect_match 'no QR code found in' err
