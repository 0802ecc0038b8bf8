#!/usr/bin/python3
"""A bad network: a TCP proxy that cuts, delays, throttles, drops answers and repeats requests.

badproxy.py [OPTION]... HOST:PORT      prints its own "127.0.0.1:PORT" and serves until it is killed

Connections are counted from 1. What happens to a connection:
  --cut-up N[,N...]      cut after N bytes from the client (the n-th value for the n-th connection, then no more cuts)
  --cut-down N[,N...]    cut after N bytes from the server
  --cut-random MEAN      cut every connection after a random number of bytes with that mean, of each way (see --seed)
  --most-cuts N          stop cutting after that many (for --cut-random; default no limit)
  --delay MS             hold each piece that long, both ways
  --rate BYTES           at most so many bytes a second, each way and connection
  --drop-answers K       forward requests, but swallow the server's bytes and then cut, on the first K connections
                         that carry at least --drop-after bytes from the client
  --drop-after N         see above (default 1)
  --repeat K             send what the client sent on the first K connections once more on a connection of its own
                         (a duplicated request; its answer is thrown away)
  --stall-after N        on the first connection: after N bytes from the client neither read nor write any more
  --trickle N            forward N bytes at a time with 1 ms between (many small packets)
  --reset                cut by RST instead of FIN
  --seed N               of the random cuts (printed on stderr)
  --counts FILE          keep in FILE, always up to date, the numbers that COUNTS names: what really happened
"""
import argparse
import mmap
import random
import signal
import socket
import struct
import sys
import threading
import time

# Connections begun and ended, bytes that were passed on from the client and from the server, cuts, dropped answers, requests that were
# repeated and answered, connections that stalled: 64 bits each, little-endian, in the file of --counts.
COUNTS = ("connections", "ended", "up", "down", "cuts", "drops", "repeats", "stalls")


class Connection:
    def __init__(self, proxy, number, client):
        self.proxy, self.number, self.client = proxy, number, client
        self.options = proxy.options
        self.server = socket.create_connection(proxy.target, timeout=30)
        self.server.settimeout(None)
        for s in (self.client, self.server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.cut_lock = threading.Lock()
        self.is_cut = False
        self.from_client = 0
        self.copy = bytearray()
        self.up_limit, self.down_limit = proxy.limits(number)
        self.stalls = number == 1 and self.options.stall_after is not None

    def run(self):
        up = threading.Thread(target=self.pump, args=(self.client, self.server, True), daemon=True)
        up.start()
        self.pump(self.server, self.client, False)
        up.join()
        for s in (self.client, self.server):
            s.close()
        if self.number <= self.options.repeat and self.copy:
            self.send_again()

    def cut(self, wanted=False):
        with self.cut_lock:
            if self.is_cut:
                return
            self.is_cut = True
            if wanted:
                self.proxy.count("cuts")
            for s in (self.client, self.server):
                try:
                    if self.options.reset:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        s.close()
                    else:
                        s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def pump(self, source, target, upwards):
        options = self.options
        limit = self.up_limit if upwards else self.down_limit
        passed = 0
        began = time.monotonic()
        try:
            while True:
                piece = source.recv(options.trickle or 65536)
                if not piece:
                    break
                if upwards:
                    if self.number <= options.repeat and len(self.copy) < 64 << 20:
                        self.copy += piece
                    if self.stalls and self.from_client + len(piece) > options.stall_after:
                        self.proxy.count("stalls")
                        threading.Event().wait()
                if options.delay:
                    time.sleep(options.delay / 1000)
                if options.trickle:
                    time.sleep(0.001)
                if limit is not None and passed + len(piece) >= limit and not self.is_cut:
                    target.sendall(piece[:limit - passed])
                    self.proxy.count("up" if upwards else "down", limit - passed)
                    self.cut(wanted=True)
                    return
                if not upwards and self.swallows():
                    self.proxy.count_drop(self.number)
                    self.cut()
                    return
                target.sendall(piece)
                passed += len(piece)
                self.proxy.count("up" if upwards else "down", len(piece))
                if upwards:
                    self.from_client = passed
                if options.rate:
                    ahead = passed / options.rate - (time.monotonic() - began)
                    if ahead > 0:
                        time.sleep(ahead)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self.cut()

    def swallows(self):
        if self.from_client < self.options.drop_after:
            return False
        return self.proxy.may_drop(self.number)

    def send_again(self):
        try:
            with socket.create_connection(self.proxy.target, timeout=30) as s:
                s.sendall(self.copy)
                s.shutdown(socket.SHUT_WR)
                if s.recv(65536):
                    self.proxy.count("repeats")
                while s.recv(65536):
                    pass
        except OSError:
            pass


class Proxy:
    def __init__(self, options, target):
        self.options, self.target = options, target
        self.lock = threading.Lock()
        self.random = random.Random(options.seed)
        self.dropped = set()
        self.counts = dict.fromkeys(COUNTS, 0)
        self.shown = None
        if options.counts:
            with open(options.counts, "w+b") as file:
                file.truncate(8 * len(COUNTS))
                self.shown = mmap.mmap(file.fileno(), 8 * len(COUNTS))

    def count(self, what, more=1):
        with self.lock:
            self.counts[what] += more
            if self.shown:
                struct.pack_into("<Q", self.shown, 8 * COUNTS.index(what), self.counts[what])

    def limits(self, number):
        def nth(values):
            return values[number - 1] if number <= len(values) else None

        up, down = nth(self.options.cut_up), nth(self.options.cut_down)
        if self.options.cut_random and self.counts["cuts"] < self.options.most_cuts:
            with self.lock:
                up, down = (2000 + int(self.random.expovariate(1 / self.options.cut_random)) for _ in range(2))
        return up, down

    def may_drop(self, number):
        with self.lock:
            return number in self.dropped or len(self.dropped) < self.options.drop_answers

    def count_drop(self, number):
        with self.lock:
            new = number not in self.dropped
            self.dropped.add(number)
        if new:
            self.count("drops")

    def serve(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        print("127.0.0.1:%d" % listener.getsockname()[1], flush=True)
        number = 0
        while True:
            client, _ = listener.accept()
            number += 1
            self.count("connections")
            threading.Thread(target=self.serve_one, args=(number, client), daemon=True).start()

    def serve_one(self, number, client):
        try:
            Connection(self, number, client).run()
        except OSError:
            client.close()
        finally:
            self.count("ended")


def numbers(text):
    return [int(word) for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--cut-up", type=numbers, default=[])
    parser.add_argument("--cut-down", type=numbers, default=[])
    parser.add_argument("--cut-random", type=float)
    parser.add_argument("--most-cuts", type=int, default=1 << 30)
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--drop-answers", type=int, default=0)
    parser.add_argument("--drop-after", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=0)
    parser.add_argument("--stall-after", type=int)
    parser.add_argument("--trickle", type=int, default=0)
    parser.add_argument("--reset", action="store_true")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--counts")
    parser.add_argument("target")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {options.seed}", file=sys.stderr, flush=True)
    host, port = options.target.rsplit(":", 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Proxy(options, (host.strip("[]"), int(port))).serve()


if __name__ == "__main__":
    main()
