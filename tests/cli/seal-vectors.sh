#!/usr/bin/env bash
# run: timeout=240
# The published test vectors of the age format: each opens, or is refused, as it says.
. "$(dirname "$0")/../support/qrx.sh"

vectors=$QRX_SOURCE/tests/vectors/age
if [ ! -f "$vectors/node_modules/cctv-age/index.js" ]; then
  reason='the vectors are not installed: npm ci in tests/vectors/age (make test does it, where it reaches the npm registry)'
  [ -z "${CI:-}" ] || fail "$reason"
  skip "$reason"
fi
run node "$vectors/check.mjs" "$QRX_BIN/seal-driver"
cat out
expect_status 0
