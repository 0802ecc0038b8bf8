#!/usr/bin/env bash
# Three nodes over a PostgreSQL with a synchronous standby: the primary dies, the standby is promoted (promotion.py).
# run: timeout=300
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"

start_postgresql fsync=off synchronous_commit=on
QRX_PG_HOME=$pg_home PYTHONPATH=$QRX_SOURCE/tests/support /usr/bin/python3 "$QRX_SOURCE/tests/cluster/promotion.py"
