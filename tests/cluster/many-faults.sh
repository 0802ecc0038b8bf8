#!/usr/bin/env bash
# As faults.sh, for as long as it takes to be sure: about twenty minutes.
# run: long
# run: timeout=7200
export QRX_KILLS=${QRX_KILLS:-300} QRX_CRASHES=${QRX_CRASHES:-30} QRX_ZOMBIES=${QRX_ZOMBIES:-30}
exec "$(dirname "$0")/faults.sh"
