#!/usr/bin/python3
"""The README's recipe for nginx works as it stands: uploads and downloads stream through, waits are answered, links name the
proxy, and the client's address is the one that the proxy tells. Also below a path, kept or taken off by the proxy."""
import http.client
import os
import re
import shutil
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

CONF = """
daemon off; pid {dir}/nginx.pid; {user}
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {dir}/t0; proxy_temp_path {dir}/t1; fastcgi_temp_path {dir}/t2; uwsgi_temp_path {dir}/t3;
  scgi_temp_path {dir}/t4;
  server {{ listen 127.0.0.1:{port}; {location} }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def recipe():
    with open(os.path.join(qrx.SOURCE, "README.md"), encoding="utf-8") as file:
        return re.search(r"^    location / \{.*?^    \}", file.read(), re.M | re.S)[0]


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def one(w, nginx, prefix, location_of):
    port, server_port = free_port(), free_port()
    public = f"http://127.0.0.1:{port}{prefix}"
    place = w.path(f"nginx{port}")
    for name in ("t0", "t1", "t2", "t3", "t4"):
        os.makedirs(os.path.join(place, name))
    location = location_of(recipe()).replace("127.0.0.1:8460", f"127.0.0.1:{server_port}")
    with open(os.path.join(place, "conf"), "w", encoding="utf-8") as file:
        file.write(CONF.format(dir=place, port=port, location=location, user="user root;" if os.getuid() == 0 else ""))
    server = w.server("--public-url", public, "--trusted-proxy", "127.0.0.1/32", "-v", bind=f"127.0.0.1:{server_port}",
                      data=w.path(f"data{port}"))
    qrx.check_equal(public, server.url, "base URL")
    w.start(nginx, "-c", os.path.join(place, "conf"), "-p", place, "-e", os.path.join(place, "error.log"), name="nginx")
    qrx.wait_for(10, lambda: accepts(port), "nginx")

    space = server.space()
    qrx.check(space.drop.lower().startswith(public), f"drop link: {space.drop}")
    seq = space.state()["seq"]
    waited = []
    waiter = threading.Thread(target=lambda: waited.append(space.get(f"?after={seq}&wait=50", timeout=60).json()), daemon=True)
    waiter.start()
    data = b"".join(qrx.noise(5_000_000, 1))
    answer = qrx.request("PUT", f"{public}/u/{space.guid}/a.bin", data)
    qrx.check_equal(201, answer.status, f"PUT through the proxy: {answer!r}")
    waiter.join(10)
    qrx.check(waited and waited[0]["seq"] != seq, "a waiting receiver behind the proxy was not told")
    file = space.files()["a.bin"]
    qrx.check(file["url"].startswith(public), f"url of a file: {file['url']}")
    got = qrx.request("GET", file["url"], headers=space.auth)
    qrx.check(got.status == 200 and got.body == data, "content through the proxy")

    where = w.path(f"in{port}")
    os.mkdir(where)
    recv = w.tool("qrx-recv", "--json", "--server", public, "--output", where)
    drop = recv.expect_event("space")["drop"]
    source = w.file(f"src{port}/sent.bin", 2_000_000)
    w.tool("qrx-send", "--yes", "--link", drop, source).expect_exit(0)
    recv.expect_exit(0)
    qrx.check_equal(["sent.bin"], os.listdir(where), "what was saved")
    other = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=("127.0.0.2", 0))
    other.request("GET", prefix + "/healthz", headers={"X-Forwarded-For": "6.6.6.6"})
    qrx.check_equal(200, other.getresponse().status, "/healthz")
    other.close()
    qrx.check("peer=127.0.0.2" in server.err, f"the proxy's word about the client was not taken: {server.err[-300:]}")
    qrx.check("peer=6.6.6.6" not in server.err, "the server believed the client about its address")
    server.terminate()


def main():
    nginx = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if not nginx:
        qrx.skip("nginx is not installed")
    with qrx.work() as w:
        one(w, nginx, "", lambda text: text)
        one(w, nginx, "/drop", lambda text: text.replace("location / {", "location /drop/ {"))
        one(w, nginx, "/drop", lambda text: text.replace("location / {", "location /drop/ {").replace("8460;", "8460/;"))


if __name__ == "__main__":
    main()
