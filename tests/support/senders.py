"""Senders that go on whatever happens to the servers, and what was promised to them.

    senders = [Sender(space, number, seed) for number in range(4)]      # threads; start() each of them
    end(senders)                       # no new file; waits, and raises what one of them has found
    verify(space, senders)             # all that was acknowledged is there, once, as it was sent

They upload by tus into deliveries of their own, into one delivery of several files, by one request each, and small files together.
"""
import hashlib
import http.client
import json
import random
import threading
import time

import qrx
import tus

TROUBLE = (OSError, http.client.HTTPException)
PATIENCE = 120  # seconds without an answer that counts


class Ended(Exception):
    """No answer that counts came for so long that the cluster is down."""


class LostUpload(Exception):
    """It was begun and is gone, without a byte: to begin promises nothing that outlives a crash of the database."""


class LostDelivery(Exception):
    """Likewise."""


def insist(what, who, note=lambda: None):
    """`what` again until it has an answer that is no trouble of servers; `note` is told of each that is."""
    until = time.monotonic() + PATIENCE
    last = None
    while time.monotonic() < until:
        try:
            last = answer = what()
            if answer.status < 500 and answer.status not in (423, 429):
                return answer
        except TROUBLE as trouble:
            last = trouble
        note()
        time.sleep(0.1)
    raise Ended(f"{who}: no answer in {PATIENCE} s: {last!r}")


class Sender(threading.Thread):
    """`files` has what was acknowledged as complete, `allowed` all that was begun, `attempts` how often what by one request."""

    def __init__(self, space, number, seed, largest=500_000):
        super().__init__(daemon=True)
        self.space, self.number, self.largest = space, number, largest
        self.random = random.Random(f"{seed} {number}")
        self.files, self.allowed, self.attempts = {}, {}, {}
        self.stop, self.error = False, None
        self.troubles = self.bytes_acked = 0
        self.promised = False  # bytes of what is being sent were acknowledged

    def run(self):
        try:
            count = 0
            while not self.stop:
                count += 1
                way = self.random.choice([self.upload, self.delivery, self.one_request, self.batch])
                self.send(way, f"file-{self.number}-{count}")
        except Exception as failure:  # whatever it is, the test tells of it
            self.error = failure

    def send(self, what, name):
        while True:
            self.promised = False
            try:
                return what(name)
            except LostDelivery:
                qrx.check(not self.promised, f"the delivery of {name} is gone, of which bytes were acknowledged")
                self.troubles += 1

    def note(self):
        self.troubles += 1

    def ask(self, what):
        return insist(what, f"sender {self.number}", self.note)

    def bytes(self):
        size = self.random.choice([1, self.random.randrange(1, 5000), self.random.randrange(1, self.largest)])
        return self.random.randbytes(size)

    def create(self, name, data, delivery=None):
        answer = self.ask(lambda: tus.create(self.space.upload_url, len(data), name, delivery=delivery))
        if delivery and answer.status == 404:
            raise LostDelivery
        qrx.check_equal(201, answer.status, f"creation: {answer!r}")
        return tus.location(self.space.server.url, answer)

    def go_on(self, url, data):
        acked = 0
        while acked < len(data):
            piece = data[acked:acked + self.random.randrange(1, max(200_000, len(data) // 2))]
            try:
                answer = tus.patch(url, acked, piece)
            except TROUBLE:
                answer = None
            if answer is not None and answer.status == 204:
                acked = int(answer.header("Upload-Offset"))
                self.promised = True
                continue
            self.troubles += 1
            head = self.ask(lambda: tus.head(url))
            if head.status == 404 and acked == 0:
                raise LostUpload
            if head.status not in (200, 204):
                why = tus.patch(url, acked, b"")
                qrx.fail(f"an upload is gone that was acknowledged to {acked} of {len(data)}: {head!r}, {why!r}")
            offset = int(head.header("Upload-Offset"))
            qrx.check(offset >= acked, f"an upload fell from {acked} to {offset}")
            acked = offset
            self.promised = self.promised or offset > 0

    def put(self, name, data, delivery=None):
        while True:
            try:
                return self.go_on(self.create(name, data, delivery), data)
            except LostUpload:
                self.troubles += 1

    def acknowledged(self, files):
        self.files.update(files)
        self.bytes_acked += sum(len(data) for data in files.values())

    def upload(self, name):
        data = self.bytes()
        self.allowed[name] = data
        self.put(name, data)
        self.acknowledged({name: data})

    def open_delivery(self):
        opened = self.ask(lambda: qrx.request("POST", self.space.upload_url + "/deliveries", b"{}", {"Content-Type": "application/json"}))
        qrx.check_equal(201, opened.status, f"opening a delivery: {opened!r}")
        return opened.json()["delivery"]

    def delivery(self, name):
        """A large file and some small ones; all of them, or none."""
        delivery = self.open_delivery()
        files = {f"{name}-{number}": self.bytes() for number in range(4)}
        self.allowed.update(files)
        for own, data in files.items():
            self.put(own, data, delivery)
        done = self.ask(lambda: tus.commit(self.space.upload_url, delivery, len(files)))
        qrx.check_equal(200, done.status, f"commit: {done!r}")
        self.acknowledged(files)

    def batch(self, name):
        """Small files, some in each request. That the server has one is no promise before the commit: whoever is told that files
        are missing sends them again."""
        delivery = self.open_delivery()
        count = self.random.randrange(2, 40)
        files = {f"{name}-{number}": self.random.randbytes(self.random.choice([0, 10, 3000, 100_000])) for number in range(count)}
        self.allowed.update(files)
        parts = self.random.randrange(1, 4)
        while True:
            for part in range(parts):
                self.post([own for number, own in enumerate(files) if number % parts == part], files, delivery)
            done = self.ask(lambda: tus.commit(self.space.upload_url, delivery, count))
            if done.status == 404:
                raise LostDelivery
            if done.status == 200:
                return self.acknowledged(files)
            qrx.check_equal(409, done.status, f"commit: {done!r}")
            self.troubles += 1

    def post(self, names, files, delivery):
        body = b"".join(json.dumps({"name": own, "size": len(files[own])}).encode() + b"\n" + files[own] for own in names)
        url = f"{self.space.upload_url}/deliveries/{delivery}/files"
        done = self.ask(lambda: qrx.request("POST", url, body, {"Content-Type": "application/vnd.qrx.files"}))
        if done.status == 404:
            raise LostDelivery
        qrx.check_equal(202, done.status, f"small files together: {done!r}")
        qrx.check_equal(len(names), len(done.json()["xxh128"]), "sums")

    def one_request(self, name):
        data = self.bytes()
        self.allowed[name] = data

        def put():
            self.attempts[name] = self.attempts.get(name, 0) + 1
            return qrx.request("PUT", f"{self.space.upload_url}/{name}", data)

        done = self.ask(put)
        qrx.check_equal(201, done.status, f"PUT: {done!r}")
        self.acknowledged({name: data})


def end(senders):
    for sender in senders:
        sender.stop = True
    for sender in senders:
        sender.join(2 * PATIENCE)
        qrx.check(not sender.is_alive(), f"sender {sender.number} is stuck")
    for sender in senders:
        if sender.error:
            raise sender.error


def look(space):
    """All pages: of a round there may be more files than one has."""
    found, page = {}, ""
    while True:
        state = insist(lambda: space.get(page), "the state of a space")
        qrx.check_equal(200, state.status, f"state of the space: {state!r}")
        for delivery in state.json()["deliveries"]:
            for file in delivery["files"]:
                found.setdefault(file["name"], []).append(file)
        if not state.json().get("next"):
            return found
        page = f"?from={state.json()['next']}"


def verify(space, senders):
    """How many files there are."""
    found = look(space)
    gone = [name for sender in senders for name in sender.files if name not in found]
    if gone:
        qrx.fail(f"gone, which was acknowledged: {gone}; of these there when asked again: {sorted(set(look(space)) & set(gone))}")
    allowed, attempts = {}, {}
    for sender in senders:
        allowed.update(sender.allowed)
        attempts.update(sender.attempts)
    for name, files in found.items():
        qrx.check(name in allowed, f"{name} is nothing that was sent")
        # A creation whose answer was lost is made again: then one of the two is empty and never complete. A PUT that was
        # refused with 503, or never answered, may have arrived.
        most = attempts.get(name, 1)
        qrx.check(len(files) <= most, f"{name} is there {len(files)} times, and was sent {most} times")
        for file in files:
            body = insist(lambda file=file: space.content(file), f"the content of {name}").body
            same = hashlib.sha256(body).digest() == hashlib.sha256(allowed[name]).digest()
            qrx.check(same, f"{name} has other bytes than were sent ({len(body)} of {len(allowed[name])})")
    return sum(len(files) for files in found.values())


class Receiver(threading.Thread):
    """Waits at one server for news of a space, from poll to poll; `seen` has the names of the files that it was told of."""

    def __init__(self, space):
        super().__init__(daemon=True)
        self.space = space
        self.seen, self.seq = set(), 0
        self.stop, self.error = False, None
        self.troubles = self.polls = 0

    def run(self):
        try:
            while not self.stop:
                self.poll()
        except Exception as failure:  # whatever it is, the test tells of it
            self.error = failure

    def poll(self):
        self.polls += 1
        try:
            answer = self.space.get(f"?after={self.seq}&wait=60", timeout=90)
        except TROUBLE:
            answer = None
        if answer is None or answer.status >= 500:
            self.troubles += 1
            time.sleep(0.1)
            return
        qrx.check_equal(200, answer.status, f"waiting for news: {answer!r}")
        state = answer.json()
        qrx.check(state["seq"] >= self.seq, f"news {state['seq']} after {self.seq}: an older state was told")
        self.seq = state["seq"]
        self.seen.update(file["name"] for delivery in state["deliveries"] for file in delivery["files"])

    def expect(self, names, seconds):
        """Within less than a poll lasts: so it was woken, and did not look by itself."""
        qrx.wait_for(seconds, lambda: self.error or self.seen >= set(names), f"{names} at a receiver who waits")
        if self.error:
            raise self.error
