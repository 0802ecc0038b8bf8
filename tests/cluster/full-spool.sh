#!/usr/bin/env bash
# Nodes whose disk for uploads is full, and a shared directory that is (full_spool.py).
# run: timeout=300
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"

start_postgresql fsync=off
psql -q "$postgresql dbname=postgres" -c 'CREATE DATABASE objects' -c 'CREATE DATABASE files'
catalog="postgresql://postgres@/" socket="?host=$pg_home/socket" PYTHONPATH=$QRX_SOURCE/tests/support \
  /usr/bin/python3 "$QRX_SOURCE/tests/cluster/full_spool.py"
