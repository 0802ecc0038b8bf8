#!/usr/bin/python3
"""Where qrx-serve listens and what it says about it: ports, Unix sockets, systemd, TLS and its reload, a proxy's prefix, metrics,
logs."""
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def over_unix(path, request):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        s.sendall(request)
        got = b""
        while piece := s.recv(65536):
            got += piece
        return got


def unix_socket(w):
    path = w.path("sock")
    tool = w.tool("qrx-serve", "-b", "127.0.0.1:0", "-b", "unix:" + path, "-D", w.path("unix"))
    url = tool.next_line(20)
    qrx.check(url.startswith("http://127.0.0.1:"), f"base URL {url}")
    answer = over_unix(path, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    qrx.check(answer.startswith(b"HTTP/1.1 200"), f"over the Unix socket: {answer!r}")
    answer = over_unix(path, b"POST /control/sweep HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    qrx.check(answer.startswith(b"HTTP/1.1 404"), f"an ordinary socket controls nothing: {answer!r}")
    control = os.stat(w.path("unix", "control.sock"))
    qrx.check_equal(0, control.st_mode & 0o077, "others' rights to the control socket")
    tool.signal(signal.SIGINT)
    tool.expect_exit(0)
    qrx.check(not os.path.exists(path), "the Unix socket was left behind")


def everywhere(w):
    server = w.server(bind="0.0.0.0:0", data=w.path("everywhere"))
    qrx.check("0.0.0.0" not in server.url, f"nobody can open {server.url}")
    qrx.check(server.space().drop.startswith(server.url.upper()), "links name another address")


def systemd(w):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notices.bind(w.path("notify"))
    notices.settimeout(10)
    # What systemd does: the socket as descriptor 3, and the process's own number in LISTEN_PID.
    run = 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" -D "$1" 3<&%d' % listener.fileno()
    tool = subprocess.Popen(["bash", "-c", run, os.path.join(qrx.BIN, "qrx-serve"), w.path("systemd")], stdout=subprocess.PIPE, text=True,
                            pass_fds=[listener.fileno()], env={**os.environ, "NOTIFY_SOCKET": w.path("notify")})
    try:
        qrx.check_equal(f"http://127.0.0.1:{port}\n", tool.stdout.readline())
        qrx.check("READY=1" in notices.recv(4096).decode(), "systemd was not told that it is ready")
        qrx.check_equal(200, qrx.request("GET", f"http://127.0.0.1:{port}/healthz").status)
        tool.send_signal(signal.SIGTERM)
        qrx.check("STOPPING=1" in notices.recv(4096).decode(), "systemd was not told that it stops")
        qrx.check_equal(0, tool.wait(15))
    finally:
        tool.kill()
        tool.wait()


def certificate(w, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", w.path("key.pem"), "-out", w.path("cert.pem")],
                   check=True, capture_output=True)


def name_of(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain) as secure:
            der = secure.getpeercert(True)
    pem = ssl.DER_cert_to_PEM_cert(der)
    return subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True, text=True, check=True).stdout


def tls(w):
    certificate(w, "first")
    server = w.server("--tls-cert", w.path("cert.pem"), "--tls-key", w.path("key.pem"), data=w.path("tls"))
    qrx.check(server.url.startswith("https://"), server.url)
    port = urllib.parse.urlsplit(server.url).port
    said = subprocess.run(["curl", "-sS", "--cacert", w.path("cert.pem"), "-T", w.file("f", 500_000), server.url + "/healthz"],
                          capture_output=True, text=True, check=False)
    qrx.check("does not take PUT" in said.stdout, f"{said}")
    qrx.check("first" in name_of(port), "another certificate")
    certificate(w, "second")
    server.signal(signal.SIGHUP)
    qrx.wait_for(10, lambda: "second" in name_of(port), "the new certificate")
    with open(w.path("cert.pem"), "w", encoding="ascii") as file:
        file.write("broken")
    server.signal(signal.SIGHUP)
    qrx.wait_for(10, lambda: "keeping the old certificate" in server.err, "a word about the broken certificate")
    qrx.check("second" in name_of(port), "the old certificate is gone")


def prefix(w):
    server = w.server("--public-url", "https://qrx.example.org/Files", data=w.path("prefix"), bind="127.0.0.1:18465")
    qrx.check_equal("https://qrx.example.org/Files", server.url)
    near = "http://127.0.0.1:18465"
    for before in ("", "/Files"):  # a proxy takes the prefix away, or leaves it
        made = qrx.request("POST", near + before + "/api/v1/spaces", b"{}")
        qrx.check_equal(201, made.status, before)
        made = made.json()
        qrx.check_equal("HTTPS://QRX.EXAMPLE.ORG/Files/u/" + made["guid"].upper(), made["drop"])
        tus = qrx.request("POST", f"{near}{before}/u/{made['guid']}/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "3"})
        qrx.check(tus.header("Location").startswith("/Files/u/"), tus.header("Location"))
        qrx.check_equal(200, qrx.request("GET", near + before + "/u/" + made["guid"]).status)


def metrics_and_logs(w):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    server = w.server("--metrics-bind", f"127.0.0.1:{port}", "--log", "json", "-v", data=w.path("metrics"))
    space = server.space(label="secret label")
    qrx.check_equal(201, qrx.request("PUT", space.upload_url + "/secret-name", b"x" * 1000).status)
    qrx.check_equal(200, space.get().status)
    text = qrx.request("GET", f"http://127.0.0.1:{port}/metrics").body.decode()
    for want in ("qrx_spaces 1\n", "qrx_spaces_created_total 1\n", "qrx_files_received_total 1\n", "qrx_stored_bytes 1011\n"):
        qrx.check(want in text, f"no {want!r} in {text}")
    qrx.check_equal(404, qrx.request("GET", server.url + "/metrics").status)
    for at in (server.url, f"http://127.0.0.1:{port}"):
        qrx.check_equal((200, b"ready\n"), ((answer := qrx.request("GET", at + "/readyz")).status, answer.body))
        qrx.check_equal((200, b"qrx is well\n"), ((answer := qrx.request("GET", at + "/healthz")).status, answer.body))
    qrx.check_equal(404, qrx.request("GET", f"http://127.0.0.1:{port}/api/v1/spaces").status)
    # Two servers do not share the port.
    second = w.tool("qrx-serve", "--bind", "127.0.0.1:0", "--data", w.path("second"), "--metrics-bind", f"127.0.0.1:{port}")
    second.expect_exit(1)
    qrx.check(f"cannot listen on 127.0.0.1:{port}: address already in use" in second.err.lower(), second.err)
    lines = [json.loads(line) for line in qrx.wait_for(5, lambda: server.err.count("\n") >= 3 and server.err, "the log").splitlines()]
    qrx.check([201, 201, 200] == [int(line["status"]) for line in lines if line["event"] == "request"][:3], str(lines))
    for secret in (space.token, space.guid, "secret"):
        qrx.check(secret not in server.err, f"the log tells {secret}")


def main():
    with qrx.work() as w:
        unix_socket(w)
        everywhere(w)
        systemd(w)
        tls(w)
        prefix(w)
        metrics_and_logs(w)


if __name__ == "__main__":
    main()
