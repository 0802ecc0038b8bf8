#!/usr/bin/env bash
# What `make install` installs is what installed.txt lists; installed programs find each other, and need nothing of the build.
. "$(dirname "$0")/../support/qrx.sh"

build=$(dirname "$QRX_BIN")
run env DESTDIR="$work/root" cmake --install "$build" --prefix /usr
expect_status 0
(cd "$work/root/usr" && find . -type f -printf '%P\n' | sort) >found
LC_ALL=C sort "$QRX_SOURCE/tests/tree/installed.txt" >wanted
diff -u wanted found >&2 || fail "the installed tree is not what installed.txt lists"

mv "$work/root/usr" "$work/elsewhere"
PATH=$work/elsewhere/bin:/usr/bin:/bin
hash -r
for tool in qrx-recv qrx-send qrx-serve; do
  run "$tool" --version
  expect_status 0
  expect_match '[0-9]+\.[0-9]+' out
done

# qrx-recv starts the qrx-serve beside it, and qrx-send the helper in ../libexec.
echo hello >greeting.txt
mkdir in
in_background recv qrx-recv --json --bind 127.0.0.1:0 --qr-file code.png --output "$work"/in
has_space() { grep -q '"event":"space"' recv.out; }
wait_for 20 has_space
run qrx-send --image code.png greeting.txt
expect_status 0
finish recv 20
expect_status 0
expect_same_file greeting.txt in/greeting.txt
