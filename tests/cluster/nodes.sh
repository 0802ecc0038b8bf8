#!/usr/bin/env bash
# Two nodes over one PostgreSQL, whatever their clients do: the rules of src/space on src/pg (tests/cluster/nodes_test.cpp).
# run: timeout=300
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"

start_postgresql synchronous_commit=on fsync=off
QRX_POSTGRESQL=$postgresql "$QRX_BIN"/qrx-cluster-nodes
