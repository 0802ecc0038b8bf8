#!/usr/bin/env bash
# The manual is clean mdoc, and every page that it refers to among ours exists.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
status=0
pages=("$root"/man/*.[1-8])
[ -e "${pages[0]}" ] || { echo "there is no manual"; exit 1; }
mandoc -Tlint -W warning "${pages[@]}" || status=1
for page in "${pages[@]}"; do
  while read -r name section; do
    [ -e "$root/man/$name.$section" ] || { echo "${page##*/} refers to $name($section), which is not there"; status=1; }
  done < <(sed -n 's/.*\.Xr \(qrx[a-z.-]*\) \([1-8]\).*/\1 \2/p' "$page")
done
exit $status
