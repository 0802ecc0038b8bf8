#!/usr/bin/env bash
# As promotion.sh, there and back again.
# run: long
# run: timeout=3600
export QRX_ROUNDS=${QRX_ROUNDS:-20}
exec "$(dirname "$0")/promotion.sh"
