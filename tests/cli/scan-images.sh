#!/usr/bin/env bash
# The pictures of tests/images: least.json says how many of each folder are read, never fewer; nothing is ever misread.
. "$(dirname "$0")/../support/qrx.sh"
# A budget far above the product's: the machine's speed must not decide.
# heif: tests/cli/scan-heif.sh
"$QRX_SOURCE/tests/bench/images.py" "$QRX_SOURCE/tests/images" --helper "$QRX_BIN/qrx-scan" --budget 20000 \
  --least "$QRX_SOURCE/tests/images/least.json" --list --steps || fail "fewer codes were read than before, or something wrong"
