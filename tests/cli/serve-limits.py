#!/usr/bin/python3
"""Limits of a server: who may open spaces, how many and how fast, how large, how long; each with its status."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def create(server, body=b"{}", **headers):
    return qrx.request("POST", server.url + "/api/v1/spaces", body, headers)


def sizes(w):
    server = w.server("--max-size", "1M", "--max-files", "2", "--max-total", "2M", "--max-spaces", "4", data=w.path("sizes"))
    space = server.space(max_size=10 << 20)
    info = qrx.request("GET", space.upload_url, headers={"Accept": "application/json"}).json()
    qrx.check_equal({"max_size": 1 << 20, "max_files": 2}, info["limits"], "what a sender is told")
    put = lambda where, size: qrx.request("PUT", where.upload_url + "/f", b"x" * size).status
    qrx.check_equal(413, put(space, (1 << 20) + 1))
    qrx.check_equal(413, qrx.request("PUT", space.upload_url + "/chunked", iter([b"x" * 700_000] * 3)).status)
    qrx.check_equal(201, put(space, 1 << 20))
    qrx.check_equal(413, put(space, 1))
    few = server.space()
    qrx.check_equal([201, 201, 413], [put(few, 1) for _ in range(3)])
    third = server.space()
    qrx.check(put(third, 1 << 20) in (413, 507), "all spaces together hold too much")
    server.space()
    answer = create(server)
    qrx.check(answer.status in (429, 503, 507), f"one space too many: {answer!r}")


def rates(w):
    server = w.server("--create-rate", "3", data=w.path("rates"))
    statuses = [create(server).status for _ in range(4)]
    qrx.check_equal([201, 201, 201, 429], statuses)
    retry = int(create(server).header("Retry-After"))
    qrx.check(1 <= retry <= 20, f"Retry-After {retry}")
    # Behind no trusted proxy, what a client says about its address counts for nothing.
    qrx.check_equal(429, create(server, **{"X-Forwarded-For": "203.0.113.9"}).status)

    server = w.server("--create-rate", "1", "--trusted-proxy", "127.0.0.0/8", data=w.path("proxied"))
    said = [create(server, **{"X-Forwarded-For": f"203.0.113.{n}"}).status for n in (1, 1, 2)]
    qrx.check_equal([201, 429, 201], said, "two clients behind one proxy")


def tokens(w):
    path = w.path("tokens")
    with open(path, "w", encoding="ascii") as file:
        file.write("# who may\nfirst-token\n\nsecond-token\n")
    os.chmod(path, 0o600)
    server = w.server("--create", "token", "--token-file", path, data=w.path("tokens-data"))
    qrx.check_equal(401, create(server).status)
    qrx.check_equal(403, create(server, Authorization="Bearer third-token").status)
    qrx.check_equal(201, create(server, Authorization="Bearer second-token").status)
    with open(path, "w", encoding="ascii") as file:
        file.write("third-token\n")
    server.signal(qrx.signal.SIGHUP)
    qrx.wait_for(5, lambda: create(server, Authorization="Bearer third-token").status == 201, "tokens read again")
    qrx.check_equal(403, create(server, Authorization="Bearer second-token").status)
    os.chmod(path, 0o644)
    tool = w.tool("qrx-serve", "-b", "127.0.0.1:0", "-D", w.path("open-file"), "--create", "token", "--token-file", path)
    tool.expect_exit(2)


def times(w):
    server = w.server("--expire", "2s", "--max-expire", "3s", data=w.path("times"))
    space = server.space()
    longer = server.space(expire=3600)
    qrx.check_equal(201, qrx.request("PUT", space.upload_url + "/f", b"x").status)
    seq = space.state()["seq"]
    began = time.monotonic()
    answer = space.get(f"?after={seq}&wait=60", timeout=70)
    took = time.monotonic() - began
    qrx.check_equal(410, answer.status, "the wait of a space that expires")
    qrx.check(took < 5, f"it took {took:.1f} s")
    qrx.check_equal(404, qrx.request("GET", space.upload_url).status, "the drop link of an expired space")
    qrx.check_equal(404, qrx.request("GET", space.api_url, headers={"Authorization": "Bearer " + "a" * 32}).status)
    qrx.wait_for(5, lambda: longer.get().status == 410, "no space lives longer than the server allows")


def main():
    with qrx.work() as w:
        sizes(w)
        rates(w)
        tokens(w)
        times(w)


if __name__ == "__main__":
    main()
