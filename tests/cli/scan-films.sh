#!/usr/bin/env bash
# Codes held before a bad camera: how many pictures of each film are read, each alone. Counts only, of films half as long
# as those of `make bench`, which also says how fast.
# run: timeout=400
. "$(dirname "$0")/../support/qrx.sh"
[ -x "$QRX_BIN/qr-film" ] || skip "built without the tests' programs"

# A budget far above the product's: the machine's speed must not decide.
reads() { # AT-LEAST SCENE SIZE
  qr-film "$2" "$3" 30 | qrx-bench-watch 1000 >figures || fail "$2: not watched"
  echo "$2 $3: $(cat figures)"
  read -r _ count _ <figures
  [ "$count" -ge "$1" ] || fail "$2 $3: $count of 30 pictures were read, not $1"
}
reads 28 approach 1280x720
reads 29 shake 1280x720
reads 30 low-light 1280x720
reads 30 moire 1280x720
reads 17 defocus 960x540
reads 26 mirrored-approach 1280x720
reads 26 mirrored-shake 1280x720
reads 26 mirrored-low-light 1280x720

# Nothing is read where nothing is.
qr-film empty 1280x720 10 | qrx-bench-watch >figures
expect_match '^read 0 of 10 ' figures
