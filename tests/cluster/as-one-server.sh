#!/usr/bin/env bash
# Tests of one server, run against three nodes behind a load balancer that sends each request to the next one
# (tests/support/nodes.py): nobody may see a difference. QRX_ONLY=WORD runs those whose name has the word.
# run: timeout=600
. "$(dirname "$0")/../support/qrx.sh"
. "$QRX_SOURCE/tests/support/postgresql.sh"
command -v haproxy >/dev/null || skip "haproxy is not installed"

# Not those that need what is of one process: its control socket, its limits on connections, its own end, TLS, --durability relaxed
# (cli/share-zip.py). Not yet as one server: cli/transfer-resume.py (how far an upload is shows when it is recorded),
# cli/serve-limits.py (--max-total is looked at once a second), cli/share-links.py (an archive that is broken off),
# cli/seal-transfer.sh (fails now and then). By hand, for their time:
# cli/serve-curl.py, cli/recv-share-link.py, cli/transfer-stream.py.
tests="tus/tuspy.py tus/js.py
cli/share-file.py cli/recv-json.py cli/recv-output.py cli/send-conflicts.py cli/send-odd-files.sh"

start_postgresql fsync=off
export QRX_POSTGRESQL=$postgresql QRX_REAL_BIN=$QRX_BIN
PYTHONPATH=$QRX_SOURCE/tests/support /usr/bin/python3 -c 'import nodes, sys; nodes.bin(*sys.argv[1:])' "$QRX_BIN" "$work/bin"
failures=0
for test in $tests; do
  case $test in *"${QRX_ONLY:-}"*) ;; *) continue ;; esac
  began=$(now_ms)
  QRX_BIN=$work/bin PATH=$work/bin:$PATH timeout 200 "$QRX_SOURCE/tests/$test" >"$work/log" 2>&1 </dev/null
  status=$?
  echo "$test: $status, $(($(now_ms) - began)) ms"
  if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
    failures=$((failures + 1))
    tail -n 40 "$work/log"
  fi
done
[ "$failures" -eq 0 ] || fail "$failures tests see a difference"
