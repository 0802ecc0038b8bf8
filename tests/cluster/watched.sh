#!/usr/bin/env bash
# What an operator sees of several nodes: their metrics, nodes that were told something else, commands from another machine, and one
# line about what is wrong (watched.py).
# run: timeout=200
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"

start_postgresql fsync=off
psql -q "$postgresql dbname=postgres" -c 'CREATE DATABASE qrx' -c 'CREATE DATABASE other'
catalog="postgresql://postgres@/qrx?host=$pg_home/socket" other="postgresql://postgres@/other?host=$pg_home/socket" \
  postgresql=$postgresql PYTHONPATH=$QRX_SOURCE/tests/support /usr/bin/python3 "$QRX_SOURCE/tests/cluster/watched.py"
