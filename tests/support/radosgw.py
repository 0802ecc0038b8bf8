#!/usr/bin/python3
"""Another real S3 store for tests: Ceph's gateway over a monitor and one OSD that keeps everything in memory, as plain processes in
one directory. As objectstore.ObjectStore:

    with RadosStore(directory) as store:       # about fifteen seconds on a quiet machine

Nothing of the machine's own Ceph is used or changed, and no rights are needed.
"""
import os
import shutil
import subprocess
import sys
import time
import uuid

import objectstore

NEEDED = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")

CONFIGURATION = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon}]
mon initial members = a
public addr = 127.0.0.1
auth allow insecure global id reclaim = false
admin socket =
run dir = {directory}
log file =
log to stderr = true
err to stderr = true
pid file =
keyring = {directory}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd crush chooseleaf type = 0
[mon]
mon data = {directory}/mon
mon cluster log file = {directory}/cluster.log
mon allow pool size one = true
mon max pg per osd = 1000
[osd]
osd data = {directory}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
[client.rgw.a]
rgw data = {directory}/rgw
rgw frontends = beast endpoint=127.0.0.1:{gateway}
rgw thread pool size = 64
rgw enable ops log = false
rgw enable usage log = false
"""


def missing():
    """Why there can be no such store here; empty when there can."""
    gone = [name for name in NEEDED if shutil.which(name) is None]
    return f"Ceph (radosgw, ceph-mon, ceph-osd) is not installed: no {gone[0]}" if gone else ""


class RadosStore(objectstore.Store):
    access, secret = "QRXTESTER", "testing-testing-testing"

    def start(self):
        os.makedirs(os.path.join(self.directory, "rgw"))
        monitor, self.port = objectstore.free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.fsid = str(uuid.uuid4())
        with open(self.path("ceph.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(fsid=self.fsid, directory=self.directory, mon=monitor, gateway=self.port))
        self.start_monitor(monitor)
        self.start_disk()
        self.start_gateway()
        self.make_bucket()

    def path(self, name):
        return os.path.join(self.directory, name)

    def call(self, *command, timeout=120):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr[-1000:]}{self.logs()}")
        return done.stdout

    def ceph(self, *words):
        return self.call("ceph", "-c", self.path("ceph.conf"), "--connect-timeout", "60", *words)

    def start_monitor(self, port):
        keys = self.path("keyring")
        self.call("ceph-authtool", "--create-keyring", keys, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        self.call("ceph-authtool", keys, "--gen-key", "-n", "client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *")
        self.call("monmaptool", "--create", "--addv", "a", f"[v2:127.0.0.1:{port}]", "--fsid", self.fsid, self.path("monmap"))
        self.call("ceph-mon", "--mkfs", "-i", "a", "-c", self.path("ceph.conf"), "--monmap", self.path("monmap"), "--keyring", keys)
        self.run("mon", "ceph-mon", "-f", "-i", "a", "-c", self.path("ceph.conf"))

    def start_disk(self):
        os.makedirs(self.path("osd"))
        name = str(uuid.uuid4())
        number = self.ceph("osd", "new", name).strip()
        self.ceph("osd", "crush", "add", f"osd.{number}", "1.0", "host=here", "root=default")
        self.ceph("auth", "get-or-create", f"osd.{number}", "mon", "allow profile osd", "osd", "allow *", "-o", self.path("osd/keyring"))
        disk = ["ceph-osd", "-i", number, "-c", self.path("ceph.conf"), "--keyring", self.path("osd/keyring")]
        self.call(*disk, "--mkfs", "--osd-uuid", name)
        self.run("osd", *disk, "-f")

    def start_gateway(self):
        keys = self.path("rgw/keyring")
        self.ceph("auth", "get-or-create", "client.rgw.a", "mon", "allow rw", "osd", "allow rwx", "-o", keys)
        self.run("gateway", "radosgw", "-f", "-n", "client.rgw.a", "-c", self.path("ceph.conf"), "--keyring", keys)
        self.call("radosgw-admin", "-n", "client.rgw.a", "-c", self.path("ceph.conf"), "--keyring", keys, "user", "create", "--uid=qrx",
                  "--display-name=qrx", f"--access-key={self.access}", f"--secret={self.secret}")
        until = time.monotonic() + 120
        while True:
            if any(child.poll() is not None for child in self.children):
                raise RuntimeError("a server of the store ended: " + self.logs())
            try:
                self.ask("GET", "")
                return
            except OSError:
                if time.monotonic() > until:
                    raise RuntimeError("the gateway does not answer: " + self.logs()) from None
                time.sleep(0.1)


if __name__ == "__main__":  # by hand: radosgw.py DIRECTORY
    where = sys.argv[1]
    shutil.rmtree(where, ignore_errors=True)
    begin = time.monotonic()
    with RadosStore(where) as running:
        print(f"{running.url} bucket {running.bucket}, up in {time.monotonic() - begin:.1f} s", flush=True)
        print("\n".join(f"export {name}={value}" for name, value in running.env.items()), flush=True)
        sys.stdin.read()
