#!/usr/bin/python3
# run: timeout=180
"""SIGKILL of the server at random moments under load; after each, everything it acknowledged is there.

QRX_ROUNDS=300 runs long, QRX_SEED=7 replays what a failure printed.
"""
import http.client
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import oracle  # noqa: E402
import qrx  # noqa: E402
import tus  # noqa: E402

ROUNDS = int(os.environ.get("QRX_ROUNDS", "12"))
SEED = int(os.environ.get("QRX_SEED") or random.SystemRandom().randrange(1 << 31))
TROUBLE = (OSError, http.client.HTTPException)


class Sender(threading.Thread):
    """Sends by all ways, one after the other, until the server is killed; tells the oracle of every acknowledgement."""

    def __init__(self, space, judge, seed, unfinished):
        super().__init__(daemon=True)
        self.space, self.judge, self.unfinished = space, judge, unfinished
        self.random = random.Random(seed)
        self.error = None
        self.trouble = None  # what a connection suffered, and when
        self.sent = self.done = 0  # bytes acknowledged, transfers ended

    def run(self):
        try:
            while True:
                for upload in list(self.unfinished):
                    self.go_on(upload, tus.offset(self.url(upload)))
                    self.unfinished.remove(upload)
                self.random.choice([self.lone_upload, self.put, self.delivery])()
                self.done += 1
        except TROUBLE as trouble:
            self.trouble = (time.monotonic(), trouble)
        except qrx.Failed as failure:
            self.error = failure

    def url(self, upload):
        return f"{self.space.server.url}/u/{self.space.guid}/uploads/{upload.id}"

    def bytes(self, most):
        return self.random.randbytes(self.random.choice([0, 1, self.random.randrange(most), self.random.randrange(most)]))

    def lone_upload(self):
        data = self.bytes(2_000_000)
        self.judge.may_appear(self.space, data)
        answer = tus.create(self.space.upload_url, len(data), f"lone-{self.done}")
        qrx.check_equal(201, answer.status, f"creation: {answer!r}")
        upload = self.judge.upload(self.space, tus.location(self.space.server.url, answer), data)
        if data:
            self.unfinished.append(upload)
            self.go_on(upload, 0)
            self.unfinished.remove(upload)
        else:
            self.judge.committed(self.space, data)

    def go_on(self, upload, offset, lone=True):
        while offset < len(upload.data):
            piece = upload.data[offset:offset + self.random.randrange(1, 900_000)]
            answer = tus.patch(self.url(upload), offset, piece)
            qrx.check_equal(204, answer.status, f"PATCH at {offset}: {answer!r}")
            qrx.check_equal(str(offset + len(piece)), answer.header("Upload-Offset"), "offset in the answer")
            offset += len(piece)
            upload.acknowledged(offset)
            self.sent += len(piece)
        if lone:
            self.judge.committed(self.space, upload.data)

    def put(self):
        data = self.bytes(500_000)
        self.judge.may_appear(self.space, data)
        answer = qrx.request("PUT", f"{self.space.upload_url}/put-{self.done}", data)
        qrx.check_equal(201, answer.status, f"PUT: {answer!r}")
        self.judge.committed(self.space, data)

    def delivery(self):
        delivery = tus.open_delivery(self.space.upload_url)
        contents = [self.bytes(20_000) for _ in range(self.random.randrange(1, 6))]
        for number, data in enumerate(contents):
            self.judge.may_appear(self.space, data)
            answer = qrx.request("PUT", f"{self.space.upload_url}/deliveries/{delivery}/files/dir/small-{number}", data)
            qrx.check_equal(202, answer.status, f"small file: {answer!r}")
        large = self.random.randbytes(400_000)
        answer = tus.create(self.space.upload_url, len(large), "dir/large", delivery)
        qrx.check_equal(201, answer.status, f"creation in a delivery: {answer!r}")
        upload = self.judge.upload(self.space, tus.location(self.space.server.url, answer), large)
        self.go_on(upload, 0, lone=False)
        answer = tus.commit(self.space.upload_url, delivery, len(contents) + 1)
        qrx.check_equal(200, answer.status, f"commit: {answer!r}")
        for data in [*contents, large]:
            self.judge.committed(self.space, data)


def main():
    replay = f"QRX_SEED={SEED} QRX_ROUNDS={ROUNDS} tests/faults/kill-server.py"
    chance = random.Random(SEED)
    kept = []  # what the last rounds did: (space, unfinished uploads)
    with qrx.work() as w:
        judge = oracle.Oracle(replay)
        server = w.server("--create-rate", "0")
        sent = patched = 0
        for number in range(ROUNDS):
            for _ in range(2):
                space = server.space(label=f"round {number}")
                judge.space(space)
                kept.append((space, []))
            senders = [Sender(space, judge, chance.random(), unfinished) for space, unfinished in kept[-4:]]
            for sender in senders:
                sender.start()
            time.sleep(chance.uniform(0.02, 0.5))  # the moment of the kill is the point
            ended = None if server.running() else f"ended by itself with {server.popen.poll()}"
            before = time.monotonic()  # nothing may have gone wrong until now
            server.kill()
            for sender in senders:
                sender.join(40)
                if sender.error:
                    qrx.fail(f"round {number}: {sender.error}; again: {replay}")
                if sender.is_alive():
                    qrx.fail(f"round {number}: a sender still waits for a server that is gone; again: {replay}")
            if not ended and server.popen.returncode != -signal.SIGKILL:
                ended = f"ended with {server.popen.returncode} before it was killed"
            if ended:
                qrx.fail(f"round {number}: the server {ended}: {server.err[-1500:]}; again: {replay}")
            for sender in senders:
                if sender.trouble and sender.trouble[0] < before:
                    qrx.fail(f"round {number}: {sender.trouble[1]!r} before the kill: {server.err[-1500:]}; again: {replay}")
            sent += sum(sender.done for sender in senders)
            patched += sum(sender.sent for sender in senders)
            if chance.random() < 0.2:  # once more, while it recovers
                again = w.start("qrx-serve", "--bind", server.bind, "--data", server.data)
                time.sleep(chance.uniform(0, 0.03))
                again.kill()
            began = time.monotonic()
            server = server.restart()
            judge.back_in_time(server, began)
            judge.verify(server, offline=number % 4 == 3)
            while len(kept) > 8:
                forget(judge, kept.pop(0)[0])
        judge.sweep_and_check(server.data)
        qrx.check_equal(0, server.terminate(), "exit status of the server")
        judge.sweep_and_check(server.data)
        print(f"{ROUNDS} kills, {sent} transfers, {patched} bytes by PATCH, seed {SEED}")
        qrx.check(ROUNDS < 8 or sent >= ROUNDS and patched >= ROUNDS * 10_000,
                  f"too little was sent to say anything: {sent} transfers, {patched} bytes by PATCH; again: {replay}")


def forget(judge, space):
    answer = qrx.request("DELETE", space.api_url, headers=space.auth)
    qrx.check_equal(204, answer.status, f"deleting a space: {answer!r}")
    qrx.check_equal(404, space.get().status, "a deleted space")
    del judge.spaces[space.guid]
    judge.uploads = [upload for upload in judge.uploads if upload.space.guid != space.guid]


if __name__ == "__main__":
    main()
