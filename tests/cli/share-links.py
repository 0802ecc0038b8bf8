#!/usr/bin/python3
"""Links of one's own: pairwise different, read-only, counted when the last byte was taken, revoked at once."""
import concurrent.futures
import json
import os
import socket
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx

BIG = 24 << 20  # more than both sockets hold


def share(space, recipients, **wish):
    answer = qrx.request("POST", space.api_url + "/shares", json.dumps({"recipients": recipients, **wish}), space.auth, timeout=60)
    qrx.check(answer.status in (200, 201), f"sharing: {answer!r}")
    return answer.json()["shares"]


def shares(space):
    answer = space.get("/shares")
    qrx.check_equal(200, answer.status, "listing shares")
    return answer.json()


def state(space, one):
    answer = space.get("/shares/" + one["share"])
    qrx.check_equal(200, answer.status, f"a share: {answer!r}")
    return answer.json()


def put(space, name, body):
    answer = qrx.request("PUT", f"{space.upload_url}/{name}", body)
    qrx.check_equal(201, answer.status, f"putting {name}: {answer!r}")


def seen(link):
    answer = qrx.request("GET", link, headers={"Accept": "application/json"})
    qrx.check_equal(200, answer.status, f"{link}: {answer!r}")
    return answer.json()


def files(link):
    return {f["name"]: f for d in seen(link)["deliveries"] for f in d["files"]}


def get(url, **headers):
    return qrx.request("GET", url, headers=headers)


def started(url, read=65536):
    """A GET that has read so much of its body and then stands still."""
    parts = urllib.parse.urlsplit(url)
    s = socket.create_connection((parts.hostname, parts.port))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.settimeout(20)
    s.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
    got = b""
    while len(got) < read:
        piece = s.recv(65536)
        if not piece:
            break
        got += piece
    return s, got


def rest_of(s):
    total = 0
    try:
        while piece := s.recv(1 << 20):
            total += len(piece)
    except ConnectionError:
        pass
    return total


def fifty_links(server):
    space = server.space(label="Anna")
    put(space, "a.txt", b"hello")
    made = share(space, [f"r{i}@example.org" for i in range(50)], message="the minutes")
    links = [one["link"] for one in made]
    qrx.check_equal(50, len(set(links)), "different links")
    again = share(space, ["R0@example.org".replace("R", "r"), "mailto:r1@EXAMPLE.ORG"])
    qrx.check_equal(links[:2], [one["link"] for one in again], "the links of a second run")
    qrx.check_equal(50, len(shares(space)["shares"]), "shares")
    for link in links:
        view = seen(link)
        qrx.check_equal(("Anna", "the minutes"), (view["label"], view["message"]), "what a recipient sees")
        text = json.dumps(view)
        qrx.check("example.org" not in text and space.token not in text, f"a recipient sees others: {text}")
    url = files(links[0])["a.txt"]["url"]
    answer = get(url)
    qrx.check_equal((200, b"hello"), (answer.status, answer.body), "the content")
    qrx.check("attachment" in answer.header("Content-Disposition"), "it is not an attachment")
    qrx.wait_for(10, lambda: state(space, made[0])["state"] == "downloaded", "the state after the download")
    qrx.check_equal("queued", state(space, made[1])["state"], "state of another")
    # The link reads, and nothing else.
    for method, path in [("PUT", "/a.txt"), ("DELETE", ""), ("PATCH", ""), ("POST", ""), ("DELETE", "/files/" + url.rsplit("/", 1)[1])]:
        answer = qrx.request(method, links[0] + path, b"x" if method in ("PUT", "PATCH", "POST") else None)
        qrx.check(answer.status in (404, 405), f"{method} {path} of a link: {answer!r}")
    bearer = {"Authorization": "Bearer " + links[0].rsplit("/", 1)[1]}
    qrx.check_equal(404, qrx.request("GET", space.api_url, headers=bearer).status, "a link as the owner's token")


def bots(server):
    space = server.space()
    put(space, "a.txt", b"hello")
    one = share(space, ["a@example.org"], downloads=1)[0]
    before = shares(space)
    connection = qrx.connect(server.url)
    for i in range(500):
        for method, path in [("GET", ""), ("HEAD", ""), ("HEAD", "/all.zip"), ("HEAD", "/files/" + files(one["link"])["a.txt"]["file"])][: 4 if i % 50 == 0 else 2]:
            answer = qrx.request(method, one["link"] + path, headers={"Accept": "text/html", "User-Agent": "bot"}, connection=connection)
            qrx.check_equal(200, answer.status, f"{method} {path}")
    qrx.check_equal(before, shares(space), "the shares after 1000 previews")
    answer = get(files(one["link"])["a.txt"]["url"])
    qrx.check_equal((200, b"hello"), (answer.status, answer.body), "the one download")
    qrx.wait_for(10, lambda: get(one["link"]).status == 410, "a link that is used up")  # its receipt comes a moment later


def one_of_many(server):
    space = server.space()
    put(space, "a.bin", os.urandom(300_000))
    one = share(space, ["a@example.org"], downloads=1)[0]
    url = files(one["link"])["a.bin"]["url"]

    def take(_):
        answer = get(url)
        qrx.check(answer.status in (200, 410, 423), f"one of many: {answer.status}")
        if answer.status == 423:
            qrx.check(int(answer.header("Retry-After")) > 0, "no Retry-After")
        return answer.status == 200 and len(answer.body) == 300_000

    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        through = sum(pool.map(take, range(200)))
    qrx.check_equal(1, through, "downloads of a link for one")
    qrx.check_equal(("downloaded", 1), (state(space, one)["state"], state(space, one)["downloads"]), "the share")
    qrx.check_equal(410, get(url).status, "once more")

    for limit in (3,):
        some = share(space, ["b@example.org"], downloads=limit)[0]
        url = files(some["link"])["a.bin"]["url"]
        through = 0
        limit_time = time.monotonic() + 30
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            while time.monotonic() < limit_time:
                through += sum(pool.map(take, range(40)))
                if get(url).status == 410:
                    break
        qrx.check_equal(limit, through, "downloads of a link for three")


def aborted(server):
    space = server.space()
    content = os.urandom(BIG)
    put(space, "a.bin", content)
    one = share(space, ["a@example.org"], downloads=1)[0]
    url = files(one["link"])["a.bin"]["url"]

    def once_free():  # the byte that was asked for below may still be on its way
        s, got = started(url)
        return s if got.startswith(b"HTTP/1.1 200") else None

    for _ in range(3):
        s = qrx.wait_for(10, once_free, "the link is free")
        qrx.check_equal(423, get(url).status, "while it runs")
        s.close()
        qrx.wait_for(10, lambda: qrx.request("GET", url, headers={"Range": "bytes=0-0"}).status == 206, "the link is free again")
    qrx.check_equal(("opened", 0), (state(space, one)["state"], state(space, one)["downloads"]), "after three aborted ones")
    s, got = started(server.url + urllib.parse.urlsplit(one["link"]).path + "/all.zip")
    s.close()
    time.sleep(0.2)
    answer = qrx.wait_for(10, lambda: (lambda a: a if a.status == 200 else None)(get(url)), "the whole")
    qrx.check(answer.body == content, "the content differs")
    qrx.check_equal(("downloaded", 1), (state(space, one)["state"], state(space, one)["downloads"]), "the share")
    qrx.check_equal(410, get(url).status, "once more")


def ranges(server):
    space = server.space()
    content = os.urandom(100_000)
    put(space, "a.bin", content)
    one = share(space, ["a@example.org"], downloads=1)[0]
    url = files(one["link"])["a.bin"]["url"]
    etag = qrx.request("HEAD", url).header("ETag")
    got = bytearray(100_000)
    for first, last in [(60_000, 99_999), (0, 19_999), (10_000, 39_999), (0, 9)]:
        answer = get(url, Range=f"bytes={first}-{last}")
        qrx.check_equal(206, answer.status, "a range")
        qrx.check_equal(f"bytes {first}-{last}/100000", answer.header("Content-Range"), "Content-Range")
        got[first:last + 1] = answer.body
    qrx.check_equal(0, state(space, one)["downloads"], "downloads before the last gap is closed")
    qrx.check_equal(416, get(url, Range="bytes=100000-").status, "beyond the end")
    qrx.check_equal(304, get(url, **{"If-None-Match": etag}).status, "If-None-Match")
    answer = get(url, Range="bytes=40000-59999", **{"If-Range": etag})
    qrx.check_equal(206, answer.status, "the last gap")
    got[40_000:60_000] = answer.body
    qrx.check(bytes(got) == content, "the pieces differ")
    qrx.wait_for(5, lambda: state(space, one)["downloads"] == 1, "the download counts")
    qrx.check_equal(410, get(url, Range="bytes=0-9").status, "once more")

    # An interrupted download that goes on, as curl -C - does.
    put(space, "b.bin", os.urandom(BIG))
    two = share(space, ["b@example.org"], downloads=1)[0]
    url = files(two["link"])["b.bin"]["url"]
    s, got = started(url, 3 << 20)
    s.close()
    body = len(got.split(b"\r\n\r\n", 1)[1])
    answer = qrx.wait_for(10, lambda: (lambda a: a if a.status == 206 else None)(get(url, Range=f"bytes={body}-")), "the rest")
    qrx.check_equal(BIG - body, len(answer.body), "the rest")
    qrx.wait_for(5, lambda: get(url).status == 410, "it counts")


def revoked(server):
    space = server.space()
    put(space, "a.bin", os.urandom(BIG))
    one, two = share(space, ["a@example.org", "b@example.org"])
    url = files(one["link"])["a.bin"]["url"]
    s, got = started(url)
    z, _ = started(one["link"] + "/all.zip")
    seq = shares(space)["seq"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(space.get, f"/shares?after={seq}&wait=30")
        time.sleep(0.3)
        begun = time.monotonic()
        qrx.check_equal(204, qrx.request("DELETE", space.api_url + "/shares/" + one["share"], headers=space.auth).status, "revoking")
        woken = waiting.result()
        qrx.check(time.monotonic() - begun < 5, "the owner's wait did not end")
    qrx.check_equal("revoked", woken.json()["shares"][0]["state"], "what the owner sees")
    for cut in (s, z):
        more = rest_of(cut)
        qrx.check(len(got) + more < BIG, f"a transfer went on after it was revoked: {more} bytes")
    for path in ("", "/all.zip", "/files/" + url.rsplit("/", 1)[1]):
        qrx.check_equal(410, get(one["link"] + path).status, f"a revoked link{path}")
    qrx.check_equal(410, qrx.request("POST", one["link"] + "/opened").status, "opened, of a revoked link")
    qrx.check_equal(BIG, len(get(files(two["link"])["a.bin"]["url"]).body), "the other link")
    qrx.check_equal(204, qrx.request("DELETE", space.api_url + "/shares", headers=space.auth).status, "revoking all")
    qrx.check_equal(410, get(two["link"]).status, "the other link")
    renewed = share(space, ["a@example.org"])[0]
    qrx.check(renewed["link"] != one["link"], "the same link after it was revoked")
    qrx.check_equal(204, qrx.request("DELETE", space.api_url, headers=space.auth).status, "deleting the space")
    qrx.check_equal(404, get(renewed["link"]).status, "a link of a deleted space")


def receipts(server):
    space = server.space()
    put(space, "a.txt", b"hello")
    one = share(space, ["a@example.org"])[0]
    seq = shares(space)["seq"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(space.get, f"/shares?after={seq}&wait=30")
        time.sleep(0.2)
        qrx.check_equal(204, qrx.request("POST", one["link"] + "/opened", b"").status, "opened")
        now = waiting.result().json()
        qrx.check_equal("opened", now["shares"][0]["state"], "the receipt")
        waiting = pool.submit(space.get, f"/shares?after={now['seq']}&wait=30")
        time.sleep(0.2)
        # A form of a page, which no preview sends.
        answer = qrx.request("POST", files(one["link"])["a.txt"]["url"], b"", {"Origin": "null", "Content-Type": "application/x-www-form-urlencoded"})
        qrx.check_equal((200, b"hello"), (answer.status, answer.body), "a form's download")
        now = waiting.result().json()["shares"][0]
    qrx.check_equal("downloaded", now["state"], "the receipt")
    qrx.check_equal(["queued", "opened", "downloaded"], [e["state"] for e in now["history"]], "the history")
    qrx.check(all(e["at"] for e in now["history"]), "times")


def thousand(server):
    space = server.space()
    put(space, "a.txt", b"hello")
    begun = time.monotonic()
    made = share(space, [f"r{i}@example.org" for i in range(1000)])
    qrx.check_equal(1000, len({one["link"] for one in made}), "links")
    qrx.check(time.monotonic() - begun < 20, f"a thousand recipients took {time.monotonic() - begun:.1f} s")
    answer = qrx.request("POST", space.api_url + "/shares", json.dumps({"recipients": ["one@too.many"]}), space.auth)
    qrx.check_equal(403, answer.status, "one too many")
    begun = time.monotonic()
    qrx.check_equal(1000, len(shares(space)["shares"]), "listed")
    qrx.check(time.monotonic() - begun < 5, f"listing them took {time.monotonic() - begun:.1f} s")
    return space, made


def restarted(w, server, space, made):
    url = files(made[7]["link"])["a.txt"]["url"]
    qrx.check_equal(200, get(url).status, "before")
    # It is recorded when the last byte was taken, so a moment after the client has it.
    qrx.wait_for(10, lambda: {one["share"]: one for one in shares(space)["shares"]}[made[7]["share"]]["state"] == "downloaded", "the receipt")
    server.kill()
    server = server.restart()
    space.at(server)
    after = {one["share"]: one for one in shares(space)["shares"]}
    qrx.check_equal([one["link"] for one in made], [after[one["share"]]["link"] for one in made], "the links after a kill")
    qrx.check_equal("downloaded", after[made[7]["share"]]["state"], "the receipt after a kill")
    qrx.check_equal(b"hello", get(files(made[999]["link"])["a.txt"]["url"]).body, "the content after a kill")

    # Killed in the middle of a download: who goes on where it was has taken it.
    long = server.space()
    content = os.urandom(BIG)
    put(long, "a.bin", content)
    one = share(long, ["a@example.org"], downloads=1)[0]
    path = urllib.parse.urlsplit(files(one["link"])["a.bin"]["url"]).path
    s, got = started(server.url + path, 5 << 20)
    server.kill()
    try:
        while piece := s.recv(1 << 20):
            got += piece
    except ConnectionError:
        pass
    server = server.restart()
    long.at(server)
    body = got.split(b"\r\n\r\n", 1)[1]
    qrx.check_equal(0, state(long, one)["downloads"], "downloads after a kill")
    answer = get(server.url + path, Range=f"bytes={len(body)}-")
    qrx.check_equal(206, answer.status, "going on after a kill")
    qrx.check(body + answer.body == content, "the two parts differ from the whole")
    qrx.check_equal(("downloaded", 1), (state(long, one)["state"], state(long, one)["downloads"]), "it counts")
    qrx.check_equal(410, get(server.url + path).status, "once more")

    brief = server.space()
    put(brief, "a.txt", b"hello")
    one = share(brief, ["a@example.org"], expire=1)[0]
    qrx.wait_for(5, lambda: get(one["link"]).status == 410, "the link expires")
    qrx.check_equal(200, brief.get().status, "its space lives on")


def malformed(server):
    space = server.space()
    for body in ["", "[]", "{}", '{"recipients":[]}', '{"recipients":["x"]}', '{"recipients":["a@b.example\\r\\nBcc: c@d.example"]}',
                 '{"recipients":["a@b.example, c@d.example"]}', '{"recipients":["a@b.example"],"message":"http://x"}',
                 '{"recipients":["a@b.example"],"message":"a\\u202eb"}', '{"recipients":["a@b.example"],"key":"x"}',
                 '{"recipients":["a@b.example"],"downloads":-1}', '{"recipients":["a@b.example"],"expire":0}']:
        answer = qrx.request("POST", space.api_url + "/shares", body, space.auth)
        qrx.check_equal(400, answer.status, f"{body}: {answer!r}")
    qrx.check_equal([], shares(space)["shares"], "shares of malformed wishes")
    one = share(space, ["a@b.example"])[0]
    url = space.api_url + "/shares/" + one["share"]
    for body in ["", "{}", '{"state":"downloaded"}', '{"state":"revoked"}', '{"state":"queued"}']:
        qrx.check_equal(400, qrx.request("PATCH", url, body, space.auth).status, f"a report {body}")
    for wanted, body in [(200, '{"state":"sending"}'), (409, '{"state":"sending"}'), (200, '{"state":"failed","reason":"550 no"}'),
                         (200, '{"state":"sending"}'), (200, '{"state":"sent"}'), (409, '{"state":"sending"}')]:
        answer = qrx.request("PATCH", url, body, space.auth)
        qrx.check_equal(wanted, answer.status, f"a report {body}: {answer!r}")
    answer = qrx.request("POST", space.api_url + "/shares", '{"recipients":["c@b.example"],"notify":true}', space.auth)
    qrx.check_equal(403, answer.status, f"notices of a server that sends none: {answer!r}")
    qrx.check_equal(404, qrx.request("PATCH", space.api_url + "/shares/" + space.guid, '{"state":"sent"}', space.auth).status, "no such share")


with qrx.work() as w:
    server = w.server()
    for part in (fifty_links, bots, one_of_many, aborted, ranges, revoked, receipts, malformed):
        begun = time.monotonic()
        part(server)
        print(f"{part.__name__}: {time.monotonic() - begun:.1f} s")
    space, made = thousand(server)
    restarted(w, server, space, made)
