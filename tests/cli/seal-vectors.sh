#!/usr/bin/env bash
# run: timeout=240
# The published test vectors of the age format: each opens, or is refused, as it says.
. "$(dirname "$0")/../support/qrx.sh"

vectors=$QRX_SOURCE/tests/vectors/age
install_vectors() { # once a checkout, also when two runs begin at the same time
  flock 9
  [ -f node_modules/cctv-age/index.js ] || npm ci
}
(cd "$vectors" && install_vectors 9<package.json) >install.log 2>&1 || fail "npm ci in tests/vectors/age: $(tail -n 5 install.log)"
run node "$vectors/check.mjs" "$QRX_BIN/seal-driver"
cat out
expect_status 0
