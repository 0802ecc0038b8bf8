#!/bin/sh
# Starts the program of this name in ../lib/qrx/bin, unless the C library here is older than the program needs.
here=$0
if [ -L "$here" ]; then here=$(readlink -f "$here"); fi
program=${here%/*}/../lib/qrx/bin/${here##*/}
libc=$(getconf GNU_LIBC_VERSION 2>/dev/null)
libc=${libc#glibc }
needed=@NEEDED@
if [ "${libc%%.*}" = "${needed%%.*}" ] && [ "${libc#*.}" -ge "${needed#*.}" ] 2>/dev/null; then exec "$program" "$@"; fi
echo "${here##*/}: this needs the GNU C library $needed or newer; here is ${libc:-none}" >&2
exit 1
