"""A real S3 store for tests: OpenStack Swift with its s3api, its four servers as plain processes in one directory.

    with ObjectStore(directory) as store:      # about four seconds on a quiet machine
        store.url, store.bucket, store.env     # env has its keys, for a child's environment

Nothing of the machine's own Swift is used or changed, and no rights are needed.
"""
import base64
import datetime
import getpass
import hashlib
import hmac
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse

ACCESS, SECRET = "qrx:tester", "testing"
BUCKET = "qrx-test"

# swift.conf stands at a fixed place, but for this.
LAUNCHER = """
import os
import sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
import swift.common.utils as utils
for module in (utils, sys.modules.get("swift.common.utils.config")):
    if module is not None and hasattr(module, "SWIFT_CONF_FILE"):
        module.SWIFT_CONF_FILE = sys.argv[1]
utils.HASH_PATH_PREFIX = utils.HASH_PATH_SUFFIX = b"qrx"
from swift.common.wsgi import run_wsgi
sys.exit(run_wsgi(sys.argv[2], sys.argv[3]))
"""


# PATH PORT...
RINGS = """
import sys
from swift.common.ring import RingBuilder
for path, port in zip(sys.argv[1::2], sys.argv[2::2]):
    builder = RingBuilder(4, 1, 0)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1.0, "ip": "127.0.0.1", "port": int(port),
                     "device": "disk", "meta": "", "replication_ip": "127.0.0.1", "replication_port": int(port)})
    builder.rebalance()
    builder.get_ring().save(path)
"""


# Without a memcached beside it: this one process remembers by itself.
CACHE = """
import time


class Memory:
    def __init__(self):
        self.values = {}

    def get(self, key, raise_on_error=False):
        value, until = self.values.get(key, (None, 0))
        return value if until == 0 or until > time.time() else None

    def set(self, key, value, serialize=True, time=0, min_compress_len=0, raise_on_error=False):
        import time as clock
        self.values[key] = (value, clock.time() + time if time else 0)

    def delete(self, key, server_key=None):
        self.values.pop(key, None)

    def incr(self, key, delta=1, time=0):
        value = int(self.get(key) or 0) + delta
        self.set(key, value, time=time)
        return value


def factory(_, **__):
    memory = Memory()

    def filter_(app):
        def answer(environ, start_response):
            environ["swift.cache"] = memory
            return app(environ, start_response)
        return answer
    return filter_
"""


def missing():
    """Why there can be no store here; empty when there can."""
    # In a process of its own: it makes other threads of those of Python.
    found = subprocess.run([sys.executable, "-c", "import swift.common.middleware.s3api.s3api"], capture_output=True)
    return "" if found.returncode == 0 else "Swift (swift-proxy, swift-account, swift-container, swift-object) is not installed"


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Store:
    """What stores have in common: start() makes them run, and sets `port` and `url`."""
    access, secret = ACCESS, SECRET

    def __init__(self, directory):
        self.directory = directory
        self.bucket = BUCKET
        self.env = {"AWS_ACCESS_KEY_ID": self.access, "AWS_SECRET_ACCESS_KEY": self.secret}
        self.children = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for child in self.children:
            child.kill()
        for child in self.children:
            child.wait()
        self.children = []

    def run(self, name, *command, env=None):
        """A server, whose output is NAME.log."""
        with open(os.path.join(self.directory, f"{name}.log"), "wb") as log:
            self.children.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env))

    def logs(self):
        out = ""
        for name in sorted(os.listdir(self.directory)):
            if name.endswith(".log"):
                with open(os.path.join(self.directory, name), errors="replace") as file:
                    out += f"\n{name}: " + file.read()[-1000:]
        return out

    def make_bucket(self):
        status, body = self.ask("PUT", "")
        if status != 200:
            raise RuntimeError(f"the store makes no bucket: {status} {body[:300]}")

    # A client of its own, so that what qrx does is not judged by what qrx says. Signature version 2, which is short.
    def ask(self, method, path, query=""):
        date = datetime.datetime.utcnow().strftime("%a, %d %b %Y %H:%M:%S GMT")
        resource = f"/{BUCKET}" + (f"/{urllib.parse.quote(path)}" if path else "")
        text = f"{method}\n\n\n{date}\n{resource}"
        sum_ = base64.b64encode(hmac.new(self.secret.encode(), text.encode(), hashlib.sha1).digest()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, resource + query, headers={"Date": date, "Authorization": f"AWS {self.access}:{sum_}"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    def names(self):
        """All objects of the bucket: name to size."""
        import xml.etree.ElementTree as tree
        out, marker = {}, ""
        while True:
            status, body = self.ask("GET", "", f"?max-keys=1000&marker={urllib.parse.quote(marker)}")
            if status != 200:
                raise RuntimeError(f"the store lists nothing: {status} {body[:300]}")
            page = tree.fromstring(body)
            space = page.tag[:page.tag.index("}") + 1] if page.tag.startswith("{") else ""
            for one in page.iter(space + "Contents"):
                marker = one.find(space + "Key").text
                out[marker] = int(one.find(space + "Size").text)
            if page.find(space + "IsTruncated").text != "true":
                return out


class ObjectStore(Store):
    def start(self):
        os.makedirs(os.path.join(self.directory, "node", "disk"), exist_ok=True)
        ports = dict(zip(("proxy", "account", "container", "object"), free_ports(4)))
        self.port = ports["proxy"]
        self.url = f"http://127.0.0.1:{self.port}"
        self.build_rings(ports)
        self.write_configuration(ports)
        for name in ports:
            self.run(name, sys.executable, "-c", LAUNCHER, os.path.join(self.directory, "swift.conf"),
                     os.path.join(self.directory, f"{name}.conf"), f"{name}-server")
        self.wait_for(ports)
        self.make_bucket()

    def build_rings(self, ports):
        words = [word for name, port in ports.items() if name != "proxy"
                 for word in (os.path.join(self.directory, f"{name}.ring.gz"), str(port))]
        subprocess.run([sys.executable, "-c", RINGS, *words], check=True)

    def write_configuration(self, ports):
        def write(name, text):
            with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
                file.write(text)

        write("swift.conf", "[swift-hash]\nswift_hash_path_prefix = qrx\nswift_hash_path_suffix = qrx\n"
                            "[storage-policy:0]\nname = one\ndefault = yes\n")
        write("memory_cache.py", CACHE)
        common = (f"[DEFAULT]\nbind_ip = 127.0.0.1\nworkers = 0\nuser = {getpass.getuser()}\n"
                  f"swift_dir = {self.directory}\ndevices = {self.directory}/node\nmount_check = false\n"
                  f"disable_fallocate = true\nfallocate_reserve = 0\nlog_address = {self.directory}/no-log\n"
                  "log_level = WARNING\n")
        for name in ("account", "container", "object"):
            write(f"{name}.conf", common + f"bind_port = {ports[name]}\n[pipeline:main]\npipeline = {name}-server\n"
                                           f"[app:{name}-server]\nuse = egg:swift#{name}\n")
        write("proxy.conf", common + f"bind_port = {ports['proxy']}\n[pipeline:main]\n"
              "pipeline = catch_errors gatekeeper cache listing_formats s3api tempauth proxy-server\n"
              "[app:proxy-server]\nuse = egg:swift#proxy\nallow_account_management = true\naccount_autocreate = true\n"
              f"[filter:tempauth]\nuse = egg:swift#tempauth\nuser_{ACCESS.replace(':', '_')} = {SECRET} .admin\n"
              "[filter:s3api]\nuse = egg:swift#s3api\ns3_acl = false\nallow_multipart_uploads = false\n"
              "auth_pipeline_check = false\n"
              "[filter:cache]\npaste.filter_factory = memory_cache:factory\n"
              "[filter:catch_errors]\nuse = egg:swift#catch_errors\n[filter:gatekeeper]\nuse = egg:swift#gatekeeper\n"
              "[filter:listing_formats]\nuse = egg:swift#listing_formats\n")

    def wait_for(self, ports):
        until = time.monotonic() + 90
        for name, port in ports.items():
            while True:
                if any(child.poll() is not None for child in self.children):
                    raise RuntimeError("a server of the store ended: " + self.logs())
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if time.monotonic() > until:
                        raise RuntimeError(f"{name} does not answer: " + self.logs()) from None
                    time.sleep(0.05)


if __name__ == "__main__":  # by hand: objectstore.py DIRECTORY
    where = sys.argv[1]
    shutil.rmtree(where, ignore_errors=True)
    begin = time.monotonic()
    with ObjectStore(where) as running:
        print(f"{running.url} bucket {BUCKET}, keys {ACCESS} {SECRET}, up in {time.monotonic() - begin:.1f} s", flush=True)
        print("\n".join(f"export {name}={value}" for name, value in running.env.items()), flush=True)
        sys.stdin.read()
