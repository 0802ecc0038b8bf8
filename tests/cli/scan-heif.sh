#!/usr/bin/env bash
# HEIC and AVIF: read in the sandbox where the system has libheif, and what is said where it has not.
. "$(dirname "$0")/../support/qrx.sh"
pictures=$QRX_SOURCE/tests/images/heif

# A system without: the loader looks for the library where an empty one lies.
mkdir without
: >without/libheif.so.1
LD_LIBRARY_PATH=$PWD/without "$QRX_BIN/qrx-scan" 1500 <"$pictures/plain.heic" >answer
expect_equal 'end not-read-format - 0 0' "$(tail -n 1 answer)" 'without the library'
printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$PWD/without" "$QRX_BIN/qrx-scan" >qrx-scan
chmod +x qrx-scan
cp "$QRX_BIN/qrx-send" .
run ./qrx-send --scan-only -i "$pictures/plain.heic"
expect_status 7
expect_match 'it is a HEIC or AVIF picture, and libheif with its decoders is not installed$' err
expect_match '^hint: install libheif1 ' err

nm -D "$QRX_BIN/qrx-scan" >known
grep -q de265_start_worker_threads known || skip 'built without libheif'
PATH=$PATH:/usr/sbin:/sbin ldconfig -p >known
grep -q 'libheif\.so\.1' known || skip 'libheif is not installed'
"$QRX_SOURCE/tests/bench/images.py" "$QRX_SOURCE/tests/images" --helper "$QRX_BIN/qrx-scan" --budget 20000 --folder heif --min 100 \
  --list || fail 'HEIC or AVIF pictures were not read'

# As a picture for people, too.
"$QRX_BIN/qrx-scan" show 20 20 <"$pictures/plain.heic" >shown
expect_match '^qrx-pixels 1 ' shown

# Broken ones end as broken, whatever is left of them.
for picture in plain.heic plain.avif; do
  for size in 11 12 40 200 600; do
    head -c "$size" "$pictures/$picture" >short
    "$QRX_BIN/qrx-scan" 1500 <short >answer || fail "$picture, $size bytes: ended with $?"
    expect_no_match '^text ' answer
  done
done
