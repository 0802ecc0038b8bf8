#!/usr/bin/env bash
# make bench-cluster: nodes over a PostgreSQL and a store of their own (cluster.py).
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"

start_postgresql
for name in one three s3; do psql -q "$postgresql dbname=postgres" -c "CREATE DATABASE $name"; done
catalog="postgresql://postgres@/" socket="?host=$pg_home/socket" PYTHONPATH=$QRX_SOURCE/tests/support \
  /usr/bin/python3 "$QRX_SOURCE/tests/bench/cluster.py"
