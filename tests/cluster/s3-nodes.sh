#!/usr/bin/env bash
# Three nodes over one PostgreSQL and one S3 store, with nothing else in common: a node is killed in the middle of an upload, the
# store is away for a while (s3_nodes.py).
# run: timeout=300
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"

start_postgresql
psql -q "$postgresql dbname=postgres" -c 'CREATE DATABASE qrx' -c 'CREATE DATABASE other'
catalog="postgresql://postgres@/qrx?host=$pg_home/socket" other="postgresql://postgres@/other?host=$pg_home/socket" \
  PYTHONPATH=$QRX_SOURCE/tests/support /usr/bin/python3 "$QRX_SOURCE/tests/cluster/s3_nodes.py"
