#!/usr/bin/env bash
# As s3-nodes.sh, over Ceph's gateway instead of Swift.
# run: long
# run: timeout=900
export QRX_STORE=radosgw
exec "$(dirname "$0")/s3-nodes.sh"
