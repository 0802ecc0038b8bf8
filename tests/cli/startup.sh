#!/usr/bin/env bash
# The tools start in milliseconds: they load few libraries, and --version is quick.
# run: alone
. "$(dirname "$0")/../support/qrx.sh"

for tool in qrx-recv qrx-send qrx-serve; do
  # What the loader maps in, counted as it happens; ldd would count what is merely named.
  LD_TRACE_LOADED_OBJECTS=1 "$QRX_BIN/$tool" >libraries
  count=$(grep -c '=>\|/ld-' libraries)
  sanitized=$(grep -c 'libasan\|libtsan\|libubsan' libraries)
  echo "$tool: $count libraries"
  [ "$count" -lt 25 ] || fail "$tool loads $count libraries: $(cat libraries)"
  expect_no_match 'opencv|ZXing|jpeg|webp|curl' libraries

  run "$tool" --version
  expect_status 0
  expect_match "^$tool [0-9]+\.[0-9]+\.[0-9]+\$" out
  [ "$sanitized" -eq 0 ] || continue
  # The best of 30 runs: the machine may be busy with something else.
  /usr/bin/python3 - "$tool" <<'EOF' >best || fail "$tool --version: $(cat best)"
import os, subprocess, sys, time
best = 1.0
for _ in range(30):
    start = time.perf_counter()
    pid = os.posix_spawnp(sys.argv[1], [sys.argv[1], "--version"], os.environ,
                          file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    os.waitpid(pid, 0)
    best = min(best, time.perf_counter() - start)
print(f"{best * 1000:.1f} ms")
sys.exit(0 if best < 0.005 else 1)
EOF
  echo "$tool --version: $(cat best)"
done
