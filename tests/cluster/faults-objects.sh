#!/usr/bin/env bash
# As faults.sh, with contents in an S3 store.
# run: timeout=300
export QRX_OBJECTS=1
exec "$(dirname "$0")/faults.sh"
