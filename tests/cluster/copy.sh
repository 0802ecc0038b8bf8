#!/usr/bin/env bash
# qrx-serve copy: from one machine to a cluster over PostgreSQL and an S3 store, and back (copy_there_and_back.py).
# run: timeout=300
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"

start_postgresql
psql -q "$postgresql dbname=postgres" -c 'CREATE DATABASE qrx'
catalog="postgresql://postgres@/qrx?host=$pg_home/socket" PYTHONPATH=$QRX_SOURCE/tests/support \
  /usr/bin/python3 "$QRX_SOURCE/tests/cluster/copy_there_and_back.py"
