#!/usr/bin/env bash
# Two nodes over one PostgreSQL, whatever their clients do: the rules of src/space on src/pg (tests/cluster/nodes_test.cpp).
# run: timeout=300
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"

start_postgresql synchronous_commit=on fsync=off
# A program of its own to crash it, for the tests.
{
  echo '#!/usr/bin/env bash'
  declare -p pg_home postgresql_programs
  declare -f as_postgres stop_postgresql launch_postgresql fail
  echo 'stop_postgresql immediate && launch_postgresql'
} >crash
chmod +x crash
QRX_POSTGRESQL=$postgresql QRX_CRASH_POSTGRESQL=$work/crash "$QRX_BIN"/qrx-cluster-nodes
