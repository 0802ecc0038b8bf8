#!/usr/bin/env bash
# The tools start in milliseconds because they load few libraries. How many milliseconds, `make bench` says.
. "$(dirname "$0")/../support/qrx.sh"

for tool in qrx-recv qrx-send qrx-share qrx-serve; do
  # What the loader maps in, counted as it happens; ldd would count what is merely named.
  LD_TRACE_LOADED_OBJECTS=1 "$QRX_BIN/$tool" >libraries
  count=$(grep -c '=>\|/ld-' libraries)
  echo "$tool: $count libraries"
  [ "$count" -lt 25 ] || fail "$tool loads $count libraries: $(cat libraries)"
  expect_no_match 'opencv|ZXing|jpeg|webp|curl|strophe|libpq' libraries

  run "$tool" --version
  expect_status 0
  expect_match "^$tool [0-9]+\.[0-9]+\.[0-9]+\$" out
  expect_match "^TLS: OpenSSL 3" out
done
