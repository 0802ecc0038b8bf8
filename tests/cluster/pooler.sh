#!/usr/bin/env bash
# Nodes whose database is behind PgBouncer: what works, and what is refused at the start (pooler.py).
# run: timeout=300
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"
command -v pgbouncer >/dev/null || skip "PgBouncer is not installed"

start_postgresql fsync=off
psql -q "$postgresql dbname=postgres" -c 'CREATE DATABASE qrx'
QRX_PG_HOME=$pg_home PYTHONPATH=$QRX_SOURCE/tests/support /usr/bin/python3 "$QRX_SOURCE/tests/cluster/pooler.py"
