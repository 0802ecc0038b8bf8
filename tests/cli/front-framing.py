#!/usr/bin/python3
"""One framing, or a refusal and the connection closed. What is sent comes in two stages with a pause between them, because
bytes that arrive in one packet could be lost by a careless reader and hide that they would have been taken for a request."""
import os
import selectors
import socket
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

HOST = b"Host: qrx\r\n"
HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: hidden\r\n\r\n"


def post(headers, body=b"", line=b"POST /healthz HTTP/1.1"):
    return line + b"\r\n" + HOST + headers + b"\r\n" + body


def line(text):
    return text + b"\r\n" + HOST + b"\r\n"


def header(text, method=b"GET"):
    return method + b" /healthz HTTP/1.1\r\n" + HOST + text + b"\r\n\r\n"


# name: (statuses that are right, first stage). The second stage is a request that must not be served.
REFUSED = {
    "no Host": ({400}, b"GET /healthz HTTP/1.1\r\n\r\n"),
    "two Hosts": ({400}, b"GET /healthz HTTP/1.1\r\n" + HOST + HOST + b"\r\n"),
    "two different Hosts": ({400}, b"GET /healthz HTTP/1.1\r\n" + HOST + b"Host: b\r\n\r\n"),
    "Host with a user": ({400}, b"GET /healthz HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    "Host with a space": ({400}, b"GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n"),
    "length twice, the same": ({400}, post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello")),
    "length twice, different": ({400}, post(b"Content-Length: 5\r\nContent-Length: 50\r\n", b"hello")),
    "length as a list": ({400}, post(b"Content-Length: 5, 5\r\n", b"hello")),
    "length with a sign": ({400}, post(b"Content-Length: +5\r\n", b"hello")),
    "negative length": ({400}, post(b"Content-Length: -1\r\n", b"hello")),
    "hex length": ({400}, post(b"Content-Length: 0x5\r\n", b"hello")),
    "empty length": ({400}, post(b"Content-Length:\r\n", b"hello")),
    "length of 20 digits": ({400}, post(b"Content-Length: 99999999999999999999\r\n", b"hello")),
    "length 2^63": ({400}, post(b"Content-Length: 9223372036854775808\r\n", b"hello")),
    "length and chunked": ({400}, post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
    "chunked and length": ({400}, post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n")),
    "chunked twice": ({400}, post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
    "chunked in a list": ({400, 501}, post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n")),
    "chunked, chunked": ({400, 501}, post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n")),
    "identity": ({400, 501}, post(b"Transfer-Encoding: identity\r\n", b"")),
    "xchunked": ({400, 501}, post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n")),
    "chunked after a vertical tab": ({400}, post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n")),
    "chunked in HTTP/1.0": ({400}, post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"POST /healthz HTTP/1.0")),
    "space before the colon": ({400}, post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n")),
    "folded header": ({400}, post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n")),
    "line feeds only": ({400}, b"GET /healthz HTTP/1.1\nHost: a\n\n"),
    "one bare line feed": ({400}, b"GET /healthz HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
    "bare carriage return": ({400}, b"GET /healthz HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
    "NUL in a header": ({400}, header(b"X: a\0b")),
    "NUL in the target": ({400}, line(b"GET /health\0z HTTP/1.1")),
    "DEL in a header": ({400}, header(b"X: a\x7fb")),
    "no colon": ({400}, header(b"nonsense")),
    "empty name": ({400}, header(b": x")),
    "name that is no token": ({400}, header(b"X(: x")),
    "GET with a body": ({400}, post(b"Content-Length: 5\r\n", b"hello", b"GET /healthz HTTP/1.1")),
    "GET in chunks": ({400}, post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"GET /healthz HTTP/1.1")),
    "HEAD with a body": ({400}, post(b"Content-Length: 5\r\n", b"hello", b"HEAD /healthz HTTP/1.1")),
    "gzip body": ({415}, post(b"Content-Length: 5\r\nContent-Encoding: gzip\r\n", b"hello")),
    "br body": ({415}, post(b"Transfer-Encoding: chunked\r\nContent-Encoding: br\r\n", b"0\r\n\r\n")),
    "unknown expectation": ({417}, post(b"Content-Length: 5\r\nExpect: 200-ok\r\n", b"hello")),
    "HTTP/0.9": ({400}, b"GET /healthz\r\n\r\n"),
    "HTTP/2.0": ({505}, line(b"GET /healthz HTTP/2.0")),
    "HTTP/1.2": ({400, 505}, line(b"GET /healthz HTTP/1.2")),
    "HTTP/2 preface": ({400, 505}, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "lower case version": ({400}, line(b"GET /healthz http/1.1")),
    "two spaces": ({400}, line(b"GET  /healthz HTTP/1.1")),
    "space in the target": ({400}, line(b"GET /health z HTTP/1.1")),
    "tab for space": ({400}, line(b"GET\t/healthz HTTP/1.1")),
    "fragment": ({400}, line(b"GET /healthz#x HTTP/1.1")),
    "another scheme": ({400}, line(b"GET ftp://qrx/healthz HTTP/1.1")),
    "no path": ({400}, line(b"GET healthz HTTP/1.1")),
    "star": ({400}, line(b"GET * HTTP/1.1")),
    "CONNECT": ({405, 400}, line(b"CONNECT qrx:80 HTTP/1.1")),
    "TRACE": ({405}, line(b"TRACE /healthz HTTP/1.1")),
    "unknown method": ({501}, line(b"BREW /healthz HTTP/1.1")),
    "lower case method": ({501}, line(b"get /healthz HTTP/1.1")),
    "long target": ({414}, line(b"GET /" + b"a" * 9000 + b" HTTP/1.1")),
    "long header": ({431}, header(b"X: " + b"a" * 20000)),
    "endless header": ({431}, b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 100000),
    "many headers": ({431}, header(b"\r\n".join(b"X: a" for _ in range(200)))),
    "a TLS greeting": ({400}, bytes.fromhex("16030100c8010000c40303")),
}

# Bodies of a PUT into a space, in chunks; the first stage is accepted, the broken chunk comes with the second.
BROKEN_CHUNKS = {
    "hex prefix": b"0x5\r\nhello\r\n",
    "sign": b"-5\r\nhello\r\n",
    "plus": b"+5\r\nhello\r\n",
    "space": b" 5\r\nhello\r\n",
    "space after": b"5 \r\nhello\r\n",
    "line feed only": b"5\nhello\r\n",
    "no size": b"\r\nhello\r\n",
    "longer than said": b"5\r\nhello!\r\n",
    "shorter than said": b"5\r\nhell\r\n",
    "17 digits": b"00000000000000005\r\nhello\r\n",
    "2^64 - 1": b"ffffffffffffffff\r\nhello\r\n",
    "2^63": b"8000000000000000\r\nhello\r\n",
    "endless extension": b"5;" + b"a" * 10000,
    "control byte in an extension": b"5;a=\x01\r\nhello\r\n",
    "bad trailer": b"0\r\nnot a trailer\r\n\r\n",
    "endless trailer": b"0\r\nX: " + b"a" * 20000,
    "line feed after the last": b"0\r\n\n",
}

# What is unusual and right. All of it is answered 200.
SERVED = {
    "one empty line before": b"\r\n" + line(b"GET /healthz HTTP/1.1"),
    "absolute form": line(b"GET http://elsewhere/healthz HTTP/1.1"),
    "HTTP/1.0 without Host": b"GET /healthz HTTP/1.0\r\n\r\n",
    "Content-Length 0 on GET": header(b"Content-Length: 0"),
    "empty value": header(b"X:"),
    "UTF-8 in a value": header("X: grüße".encode()),
    "query": line(b"GET /healthz?a=b HTTP/1.1"),
}


def exchange(url, cases, pause=0.3, limit=10.0):
    """For each name its (first, second) stage on a connection of its own, all at once; gives {name: (bytes, closed)}."""
    parts = urllib.parse.urlsplit(url)
    sockets, got, closed = {}, {}, {}
    for name, (first, _) in cases.items():
        s = socket.create_connection((parts.hostname, parts.port), timeout=limit)
        sockets[name], got[name], closed[name] = s, b"", False
        s.sendall(first)
    time.sleep(pause)
    for name, (_, second) in cases.items():
        try:
            sockets[name].sendall(second)
        except OSError:
            pass  # the server has closed: that is right for what it refused
    selector = selectors.DefaultSelector()
    for name, s in sockets.items():
        s.setblocking(False)
        selector.register(s, selectors.EVENT_READ, name)
    until = time.monotonic() + limit
    while selector.get_map() and time.monotonic() < until:
        for key, _ in selector.select(timeout=0.5):
            try:
                piece = key.fileobj.recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                piece = b""
            got[key.data] += piece
            if not piece:
                closed[key.data] = True
                selector.unregister(key.fileobj)
    for s in sockets.values():
        s.close()
    return {name: (got[name], closed[name]) for name in cases}


def status(answer):
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") and answer[9:12].isdigit() else 0


def refuse(url):
    cases = {name: (first, HIDDEN) for name, (_, first) in REFUSED.items()}
    for name, (answer, closed) in exchange(url, cases).items():
        right = REFUSED[name][0]
        qrx.check(status(answer) in right, f"{name}: {right} expected, got {answer[:200]!r}")
        qrx.check(answer.count(b"HTTP/1.1 ") == 1, f"{name}: what came after it was answered: {answer!r}")
        qrx.check(closed, f"{name}: the connection stayed open")
        qrx.check(b"connection: close" in answer.lower(), f"{name}: no Connection: close")


def refuse_chunks(server):
    space = server.space()
    path = urllib.parse.urlsplit(server.url).path.rstrip("/") + f"/u/{space.guid}/"
    cases = {}
    for number, (name, broken) in enumerate(BROKEN_CHUNKS.items()):
        head = f"PUT {path}{number}.bin HTTP/1.1\r\nHost: qrx\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        cases[name] = (head + b"3\r\nabc\r\n", broken + HIDDEN)
    for name, (answer, closed) in exchange(server.url, cases).items():
        qrx.check(status(answer) == 400, f"chunk, {name}: 400 expected, got {answer[:200]!r}")
        qrx.check(answer.count(b"HTTP/1.1 ") == 1, f"chunk, {name}: what came after it was answered: {answer!r}")
        qrx.check(closed, f"chunk, {name}: the connection stayed open")
    qrx.check_equal(0, len(space.state()["deliveries"]), "deliveries of broken bodies")


def serve(url):
    cases = {name: (first[:-1], first[-1:]) for name, first in SERVED.items()}
    closing = {name: (first, second + b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
               for name, (first, second) in cases.items()}
    for name, (answer, closed) in exchange(url, closing).items():
        qrx.check(status(answer) == 200, f"{name}: 200 expected, got {answer[:200]!r}")
        want = 1 if name.startswith("HTTP/1.0") else 2
        qrx.check_equal(want, answer.count(b"HTTP/1.1 200"), f"{name}: answers")
        qrx.check(closed, f"{name}: the connection stayed open")


def pipeline(server):
    """A body and the requests behind it, in one packet and in two stages."""
    space = server.space()
    path = urllib.parse.urlsplit(server.url).path.rstrip("/") + f"/u/{space.guid}/"
    def put(name, body, chunked):
        head = f"PUT {path}{name} HTTP/1.1\r\nHost: qrx\r\n"
        if chunked:
            return (head + "Transfer-Encoding: chunked\r\n\r\n").encode() + b"%x\r\n%s\r\n0\r\nX: y\r\n\r\n" % (len(body), body)
        return (head + f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    last = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    bodies = [b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n", b"x" * 70000, b"", b"0\r\n\r\n"]
    stream = b"".join(put(f"{i}{c}.bin", body, c) for i, body in enumerate(bodies) for c in (False, True) if body or not c) + last
    count = stream.count(b"PUT ") + 1
    cuts = [len(stream), 1, 40, len(stream) // 3, stream.index(b"70000") + 9, len(stream) - 1]
    cases = {f"cut at {cut}": (stream[:cut], stream[cut:]) for cut in cuts}
    for name, (answer, _) in exchange(server.url, cases).items():
        qrx.check_equal(count, answer.count(b"HTTP/1.1 20"), f"pipeline, {name}: answers in {answer[:400]!r}")


def main():
    with qrx.work() as work:
        server = work.server()
        refuse(server.url)
        refuse_chunks(server)
        serve(server.url)
        pipeline(server)
        qrx.check_equal(200, qrx.request("GET", server.url + "/healthz").status, "healthz in the end")


if __name__ == "__main__":
    main()
