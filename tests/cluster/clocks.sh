#!/usr/bin/env bash
# Nodes whose clocks are wrong, by an hour and by minutes, over a database and a store whose clocks are right (clocks.py).
# run: timeout=300
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"

start_postgresql fsync=off
psql -q "$postgresql dbname=postgres" -c 'CREATE DATABASE qrx'
catalog="postgresql://postgres@/qrx?host=$pg_home/socket" PYTHONPATH=$QRX_SOURCE/tests/support \
  /usr/bin/python3 "$QRX_SOURCE/tests/cluster/clocks.py"
