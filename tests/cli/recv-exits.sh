#!/usr/bin/env bash
# qrx-recv: every exit status, each with one line and a hint where one helps; nothing on stdout.
. "$(dirname "$0")/../support/qrx.sh"

# ends STATUS REGEX ARG...
ends() {
  local wanted=$1 said=$2
  shift 2
  run timeout 60 qrx-recv "$@"
  [ "$status" -eq "$wanted" ] || fail "exit status $status instead of $wanted: qrx-recv $*"
  expect_match "$said" err
  expect_equal '' "$(cat out)" "stdout of qrx-recv $*"
  expect_equal 1 "$(grep -c '^qrx-recv: ' err)" "lines of error of qrx-recv $*"
}

# --- 2: usage
ends 2 "unknown option --follov$" --follov
expect_match "^hint: did you mean --follow\?$" err
ends 2 '^qrx-recv: --expire: .soon. is not a duration$' -e soon
ends 2 '^qrx-recv: --max-size: .lots. is not a size$' --max-size lots
ends 2 '^qrx-recv: --count: must be at least 1$' -n 0
ends 2 '^qrx-recv: --on-conflict: .ask. is not one of rename, refuse, overwrite$' --on-conflict ask
ends 2 '^qrx-recv: --server: ' -s ftp://example.org
ends 2 '^qrx-recv: --output needs a value: PATH$' -o
ends 2 'cannot be used together' -f -n 2
ends 2 'both need stdout' --json -o -
ends 2 'ends neither in .png nor in .svg' --qr-file code.gif
ends 2 'is for the built-in server' -s http://127.0.0.1:1 -b 127.0.0.1:0
ends 2 'is not HOST:PORT' -b 127.0.0.1
ends 2 'needs a terminal' --ask
ends 2 'link' 'http://127.0.0.1:1/nothing'
ends 2 'more than one LINK' a b
ends 2 'cannot be used with a LINK' --label x 'http://127.0.0.1:1/s/aaaaaaaaaaaaaaaaaaaaaaaaaa#aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
ends 2 'there is no link on stdin' -

# --- 75: nobody there
ends 75 'refused' -s http://127.0.0.1:1

# --- 1: cannot write there, cannot listen there
touch file
ends 1 'not a directory' -o file/x
ends 1 '^qrx-recv: cannot start a server on 203.0.113.1:0' -b 203.0.113.1:0

# --- 4: no right to open a space, or over a limit of the server
echo correct-token-of-this-test >tokens
chmod 600 tokens
start_server --create token --token-file tokens --max-expire 1h
ends 4 '' -s "$server_url" -t 1s
echo wrong-token-of-this-test >wrong
chmod 644 wrong
ends 4 "others can read" -s "$server_url" -t 1s --token-file wrong
chmod 600 wrong
ends 4 '' -s "$server_url" -t 1s --token-file wrong
run qrx-recv -s "$server_url" -t 1s --token-file tokens
expect_status 8
QRX_TOKEN=correct-token-of-this-test run qrx-recv -s "$server_url" -t 1s
expect_status 8
stop_server

# --- 5: gone; 8: nothing came, and an empty space
start_server
ends 5 'does not exist or has expired' "$server_url/s/aaaaaaaaaaaaaaaaaaaaaaaaaa#aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
new_space
ends 8 '' "$owner"
run qrx-recv -s "$server_url" -t 1s
expect_status 8
expect_match '^qrx-recv: ' err

# --- 6: a server whose bytes do not have the sum that it names
cat >liar.py <<'EOF'
import http.server, json, sys
GUID, TOKEN = "a" * 26, "a" * 32
STATE = {"guid": GUID, "label": "", "state": "open", "seq": 1, "expires": "2999-01-01T00:00:00Z", "limits": {"max_size": 0, "max_files": 0},
         "seal": "off", "deliveries": [{"delivery": "a" * 26, "committed": "2026-01-01T00:00:00Z", "message": "", "files": [
             {"file": "b" * 24 + "aa", "name": "x.txt", "size": 5, "type": "text/plain", "xxh128": "0" * 32, "sealed": False,
              "url": ""}]}], "uploads": []}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b"hello" if "/files/" in self.path else json.dumps(STATE).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"xxh128-' + "0" * 32 + '"')
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}/s/{GUID}#{TOKEN}", flush=True)
server.serve_forever()
EOF
in_background liar /usr/bin/python3 liar.py
wait_for 20 test -s liar.out
mkdir lied
ends 6 '' -o lied "$(cat liar.out)"
expect_equal '' "$(ls lied)" 'files of the liar'

# --- 9: would overwrite
ends 9 '' -s "$server_url" -o file --on-conflict refuse
