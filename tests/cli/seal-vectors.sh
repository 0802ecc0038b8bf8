#!/usr/bin/env bash
# run: timeout=240
# The published test vectors of the age format: each opens, or is refused, as it says.
. "$(dirname "$0")/../support/qrx.sh"

vectors=$QRX_SOURCE/tests/vectors/age
if [ ! -f "$vectors/node_modules/cctv-age/index.js" ]; then
  run npm --prefix "$vectors" ci
  [ "$status" -eq 0 ] || fail "npm ci in tests/vectors/age does not work"
fi
run node "$vectors/check.mjs" "$QRX_BIN/seal-driver"
cat out
expect_status 0
