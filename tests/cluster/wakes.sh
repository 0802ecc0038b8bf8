#!/usr/bin/env bash
# Two nodes over one PostgreSQL: who waits at one is woken by what happens at the other (wakes.py).
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"

start_postgresql fsync=off
psql -q "$postgresql dbname=postgres" -c 'CREATE DATABASE qrx'
database="$postgresql dbname=qrx" socket=$pg_home/socket PYTHONPATH=$QRX_SOURCE/tests/support \
  /usr/bin/python3 "$QRX_SOURCE/tests/cluster/wakes.py"
