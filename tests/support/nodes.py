#!/usr/bin/python3
"""Several qrx-serve behind haproxy, over one PostgreSQL and one directory of blobs, as if they were one qrx-serve: for tests that
start a server by that name (bin() makes a directory of programs where it is this). Each request goes to the next node.

QRX_POSTGRESQL names the database server (postgresql.sh); each data directory has a database of its own. QRX_NODES says how many
nodes (3), QRX_REAL_BIN where the programs are. A node that is killed is started again. Commands other than serving go to the real
program.
"""
import ctypes
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

HAPROXY = """
global
  maxconn 4000
defaults
  mode http
  option forwardfor
  option http-no-delay
  timeout connect 5s
  timeout client 10m
  timeout server 10m
  timeout client-fin 10s
  retries 2
  option redispatch
frontend in
  bind fd@{fd}
  default_backend nodes
backend nodes
  balance roundrobin
  http-reuse always
{servers}
"""


def bin(real_bin, directory):
    """A directory of programs in which qrx-serve is this script."""
    os.makedirs(directory)
    for name in os.listdir(real_bin):
        if name != "qrx-serve":
            os.symlink(os.path.join(real_bin, name), os.path.join(directory, name))
    os.symlink(os.path.abspath(__file__), os.path.join(directory, "qrx-serve"))
    return directory


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def address(database):
    words = dict(word.split("=", 1) for word in os.environ["QRX_POSTGRESQL"].split())
    return f"postgresql://{words.get('user', 'postgres')}@/{database}?host={words['host']}"


def take_option(arguments, *names):
    """The value of an option, which is taken out; None when it is not there."""
    for at, word in enumerate(arguments):
        for name in names:
            if word == name:
                value = arguments[at + 1]
                del arguments[at:at + 2]
                return value
            if name.startswith("--") and word.startswith(name + "="):
                del arguments[at]
                return word[len(name) + 1:]
    return None


def make_database(data):
    name = "qrx_" + hashlib.sha256(os.path.abspath(data).encode()).hexdigest()[:16]
    subprocess.run(["psql", "-q", os.environ["QRX_POSTGRESQL"] + " dbname=postgres", "-c", f"CREATE DATABASE {name}"],
                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return address(name)


def blobs(arguments, data):
    """In the directory of the server, unless it was told another place."""
    return [] if "--blobs" in arguments else ["--blobs", f"dir:{data}"]


def listen(where):
    host, port = where.rsplit(":", 1)
    listener = socket.socket(socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, int(port)))
    listener.listen(1000)
    listener.set_inheritable(True)
    return listener


class Node:
    """One node; started again it listens where it did."""

    def __init__(self, number, program, arguments, data, catalog):
        self.number, self.place = number, "127.0.0.1:0"
        self.command = [program, *arguments, "--data", f"{data}/node{number}", *blobs(arguments, data), "--catalog", catalog,
                        "--trusted-proxy", "127.0.0.1/32", "--bind"]
        self.start()

    def start(self):
        self.process = subprocess.Popen([*self.command, self.place], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
                                        preexec_fn=die_with_parent)

    def ready(self):
        if not self.process.stdout.readline():
            return False
        self.place = address_of(self.process.pid)
        return True


def run_nodes(program, arguments):
    data = take_option(arguments, "--data", "-D") or os.path.expanduser("~/.local/state/qrx/serve")
    listener = listen(take_option(arguments, "--bind", "-b") or "127.0.0.1:8460")
    url = "http://{}:{}".format(*listener.getsockname())
    if not any(word.startswith("--public-url") for word in arguments):
        arguments += ["--public-url", url]
    os.makedirs(data, exist_ok=True)
    catalog = make_database(data)
    nodes = [Node(number, program, arguments, data, catalog) for number in range(int(os.environ.get("QRX_NODES", "3")))]
    for node in nodes:
        if not node.ready():
            return node.process.wait()
    config = tempfile.NamedTemporaryFile("w", suffix=".cfg")
    servers = "\n".join(f"  server n{node.number} {node.place} check inter 200ms fall 1 rise 1" for node in nodes)
    config.write(HAPROXY.format(fd=listener.fileno(), servers=servers))
    config.flush()
    proxy = subprocess.Popen(["haproxy", "-db", "-q", "-f", config.name], pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL,
                             preexec_fn=die_with_parent)
    stopping = []

    def stop(*_):
        stopping.append(True)
        for node in nodes:
            node.process.terminate()

    signal.signal(signal.SIGHUP, lambda *_: [node.process.send_signal(signal.SIGHUP) for node in nodes])
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(url, flush=True)
    while not stopping:
        time.sleep(0.05)
        for node in nodes:
            if node.process.poll() is not None and not stopping:
                node.start()
    status = 0
    for node in nodes:
        status = node.process.wait() or status
    proxy.kill()
    proxy.wait()
    return status


def address_of(pid):
    """Where a node listens: the one TCP socket of its own that listens."""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        inodes = set()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
            except OSError:
                continue
        with open(f"/proc/{pid}/net/tcp", encoding="ascii") as file:
            for line in file.readlines()[1:]:
                words = line.split()
                if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
                    return f"127.0.0.1:{int(words[1].split(':')[1], 16)}"
        time.sleep(0.01)
    raise RuntimeError("a node listens nowhere")


def main():
    program = os.path.join(os.environ["QRX_REAL_BIN"], "qrx-serve")
    arguments = sys.argv[1:]
    serves = not any(word in ("sweep", "check", "list", "block", "delete", "migrate", "--help", "-h", "--version", "--completion")
                     for word in arguments)
    if serves:
        return run_nodes(program, arguments)
    data = take_option(arguments, "--data", "-D")
    if data:
        arguments += ["--data", f"{data}/node0", *blobs(arguments, data), "--catalog", make_database(data)]
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    sys.exit(main())
