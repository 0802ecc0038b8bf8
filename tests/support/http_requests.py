"""HTTP for test scripts, as it is spoken on the wire. For scripts by qrx.py, which has all of it."""
import contextlib
import http.client
import json
import socket
import time
import urllib.parse


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        return self.headers.get(name)

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


def connect(url, timeout=30):
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, parts.port, timeout=timeout)


def request(method, url, body=None, headers=None, timeout=30, connection=None):
    """One request; body: bytes, or an iterable of bytes (chunked). OSError and HTTPException come through."""
    parts = urllib.parse.urlsplit(url)
    target = parts.path or "/"
    if parts.query:
        target += "?" + parts.query
    own = connection is None
    if own:
        connection = connect(url, timeout)
    try:
        all_headers = dict(headers or {})
        if isinstance(body, str):
            body = body.encode()
        if body is not None and not isinstance(body, (bytes, bytearray, memoryview)):
            connection.request(method, target, body=body, headers=all_headers, encode_chunked=True)
        else:
            connection.request(method, target, body=body, headers=all_headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        if own:
            connection.close()


def raw(url, *stages, pause=0.3, timeout=10, most=1 << 20):
    """Sends bytes as they are, in stages with a pause between them; gives all that comes back until the peer closes
    or says nothing for `timeout` seconds."""
    parts = urllib.parse.urlsplit(url)
    got = b""
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=timeout) as s:
        for number, stage in enumerate(stages):
            if number:
                time.sleep(pause)
            try:
                s.sendall(stage)
            except OSError:
                break
        with contextlib.suppress(OSError):
            while len(got) < most:
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
    return got
