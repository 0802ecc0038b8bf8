#!/bin/sh
# Starts the program of this name in ../lib/qrx/bin, unless the C library here is older than the program needs. That is
# looked up once, where this directory may be written: it costs a third of the start.
here=$0
if [ -L "$here" ]; then here=$(readlink -f "$here"); fi
programs=${here%/*}/../lib/qrx
if [ ! -e "$programs/checked" ]; then
  needed=@NEEDED@
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null)
  libc=${libc#glibc }
  if [ "${libc%%.*}" != "${needed%%.*}" ] || [ "${libc#*.}" -lt "${needed#*.}" ]; then
    echo "${here##*/}: this needs the GNU C library $needed or newer; here is ${libc:-another one}" >&2
    exit 1
  fi
  { : >"$programs/checked"; } 2>/dev/null
fi
exec "$programs/bin/${here##*/}" "$@"
