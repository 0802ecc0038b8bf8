#!/usr/bin/env bash
# Three nodes over one PostgreSQL while senders send: nodes are killed and stand still, the database crashes (faults.py).
# QRX_KILLS=1000 QRX_CRASHES=100 QRX_ZOMBIES=100 tests/cluster/faults.sh runs for about an hour; QRX_OBJECTS=1: with an S3 store.
# run: timeout=300
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"
command -v haproxy >/dev/null || skip "haproxy is not installed"

# Processes end, not the machine: what was written is in its memory, synced or not.
start_postgresql fsync=off
export QRX_POSTGRESQL=$postgresql QRX_REAL_BIN=$QRX_BIN QRX_PG_HOME=$pg_home PYTHONPATH=$QRX_SOURCE/tests/support
/usr/bin/python3 -c 'import nodes, sys; nodes.bin(*sys.argv[1:])' "$QRX_BIN" "$work/bin"
QRX_BIN=$work/bin PATH=$work/bin:$PATH /usr/bin/python3 "$QRX_SOURCE/tests/cluster/faults.py"
