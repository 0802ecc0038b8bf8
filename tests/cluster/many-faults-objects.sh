#!/usr/bin/env bash
# As many-faults.sh, with contents in an S3 store: about ten minutes.
# run: long
# run: timeout=7200
export QRX_OBJECTS=1
export QRX_KILLS=${QRX_KILLS:-100} QRX_CRASHES=${QRX_CRASHES:-10} QRX_ZOMBIES=${QRX_ZOMBIES:-10}
exec "$(dirname "$0")/faults.sh"
