"""Rows of bench: deliveries from qrx-send to qrx-recv, beside the tools that people use for the same. Each function takes the Bench."""
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import qrx

RSYNCD = """
use chroot = no
read only = no
lock file = {dir}/rsyncd.lock
pid file = {dir}/rsyncd.pid
log file = {dir}/rsyncd.log
{user}
[to]
path = {dir}/rsync
"""


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def make_tree(directory, files, size, directories):
    """Files of different bytes in directories of one level; the bytes are reproducible."""
    content = b"".join(qrx.noise(size + files, 7))
    for number in range(files):
        folder = os.path.join(directory, f"d{number % directories:03}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"f{number:05}"), "wb") as file:
            file.write(content[number:number + size])
    return directory


def count_files(directory):
    return sum(len(names) for _, _, names in os.walk(directory))


def start_rsync(bench, port):
    os.makedirs(os.path.join(bench.dir, "rsync"))
    conf = os.path.join(bench.dir, "rsyncd.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write(RSYNCD.format(dir=bench.dir, user="uid = root\ngid = root" if os.getuid() == 0 else ""))
    daemon = bench.work.start(shutil.which("rsync") or "/usr/bin/rsync", "--daemon", "--no-detach", "--address=127.0.0.1",
                              f"--port={port}", f"--config={conf}", name="rsync")
    qrx.wait_for(10, lambda: answers(port), "rsync")
    return daemon


def deliver(bench, path, *send_options, server=None):
    """One delivery to a receiver that waits already, with a server of its own unless one is named; the seconds until all of
    it is saved and durable, and qrx-send knows that it is delivered."""
    where = os.path.join(bench.dir, f"recv-{bench.fresh()}")
    os.makedirs(where)
    to = ("-s", server.url) if server else ("--bind", "127.0.0.1:0")
    recv = bench.work.start("qrx-recv", "--json", *to, "-o", where, name="qrx-recv")
    drop = recv.expect_event("space")["drop"]
    began = time.monotonic()
    send = bench.work.start("qrx-send", "-q", *send_options, "-l", drop, path, name="qrx-send")
    # Looked for as text: to parse a line for each of 10,000 files would take the processors from what is measured.
    while '"event":"delivered"' not in (recv.next_line(300) or '"event":"delivered"').replace(" ", ""):
        pass
    send.expect_exit(0, 300)
    took = time.monotonic() - began
    recv.expect_exit(0, 60)  # a server of its own stays for two seconds
    return where, took


def tree(bench):
    """10,000 files of 4 KiB in 500 directories."""
    files = 10_000
    source = make_tree(os.path.join(bench.dir, "tree"), files, 4096, 500)
    port = bench.free_port()
    daemon = start_rsync(bench, port)

    def rsync():
        name = f"tree-{bench.fresh()}"
        began = time.monotonic()
        done = subprocess.run(["rsync", "-a", source + "/", f"rsync://127.0.0.1:{port}/to/{name}/"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        took = time.monotonic() - began
        qrx.check_equal(0, done.returncode, f"rsync: {done.stderr}")
        qrx.check_equal(files, count_files(os.path.join(bench.dir, "rsync", name)), "files of rsync")
        return took

    def ours(*options):
        where, took = deliver(bench, source, *options)
        qrx.check_equal(files, count_files(where), "files received")
        return took

    results = bench.measure({"rsync": (rsync, daemon.pid),
                             "plain": (lambda: ours("--seal", "off"), None),
                             "sealed": (lambda: ours("--seal", "require"), None)})
    for side, ratio in (("plain", 1.0), ("sealed", 0.7)):
        bench.compare(f"10,000 files of 4 KiB in 500 directories, {side}", results, side, ratio, peer="rsync")


def received(bench):
    """30,000 files of one byte, which wait on a server, received by the owner link of their space."""
    files = 30_000
    source = make_tree(os.path.join(bench.dir, "bytes"), files, 1, 100)

    def receiver(seal):
        # The key is on the machine that made the space: here, as it is for whoever receives what an earlier run left.
        recv = bench.work.start("qrx-recv", "--json", "--keep", "-s", bench.durable.url, "--seal", "off" if seal == "off" else "offer",
                                "-o", os.path.join(bench.dir, f"first-{seal}"), name="qrx-recv")
        space = recv.expect_event("space")
        recv.signal(15)
        recv.wait()
        send = bench.work.start("qrx-send", "-q", "--seal", seal, "-l", space["drop"], source, name="qrx-send")
        send.expect_exit(0, 300)

        def receive():
            where = os.path.join(bench.dir, f"recv-{bench.fresh()}")
            os.makedirs(where)
            began = time.monotonic()
            done = subprocess.run([os.path.join(qrx.BIN, "qrx-recv"), "-q", "-o", where, space["owner"]], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            took = time.monotonic() - began
            qrx.check_equal(0, done.returncode, f"qrx-recv: {done.stderr}")
            qrx.check_equal(files, count_files(where), "files received")
            return took

        return receive

    results = bench.measure({seal: (receiver(seal), bench.durable.pid) for seal in ("off", "require")})
    for seal, name in (("off", "plain"), ("require", "sealed")):
        seconds, server, times, everything = results[seal]
        bench.row(f"30,000 files of one byte by an owner link, {name}", "3 s" if seal == "off" else "as plain, and 30,000 keys",
                  f"{seconds:.2f} s", seconds <= (3 if seal == "off" else 8),
                  f"({min(times):.2f}-{max(times):.2f}), CPU {everything:.2f} s, of which the server {server:.2f} s")


def end_to_end_built_in(bench):
    """One large file by the server that qrx-recv has in it: the bytes reach the disk, twice unless they need not."""
    def nginx():
        number = bench.fresh()
        return (bench.curl("-T", bench.file, f"{bench.nginx_url}/b{number}") +
                bench.curl("-o", os.path.join(bench.dir, f"got-{number}"), f"{bench.nginx_url}/b{number}"))

    def ours(*options):
        where, took = deliver(bench, bench.file, *options)
        qrx.check_equal(bench.size, os.path.getsize(os.path.join(where, "large")), "size of what was received")
        return took

    speed = disk_speed(bench)
    results = bench.measure({"nginx": (nginx, bench.nginx.pid),
                             "plain": (lambda: ours("--seal", "off"), None),
                             "sealed": (lambda: ours("--seal", "require"), None)})
    bench.compare(f"{bench.size >> 20} MiB end to end by the built-in server, disk of {speed:.0f} MB/s", results, "plain", 1.2)
    bench.compare(f"{bench.size >> 20} MiB end to end by the built-in server, sealed", results, "sealed", 1.0)


def disk_speed(bench):
    """MB/s of one writer past the page cache."""
    path = os.path.join(bench.dir, "speed")
    done = subprocess.run(["dd", "if=/dev/zero", "of=" + path, "bs=4M", "count=128", "oflag=direct"], capture_output=True, check=False)
    if done.returncode:
        return 0  # not every file system can
    began = time.monotonic()
    subprocess.run(["dd", "if=/dev/zero", "of=" + path, "bs=4M", "count=128", "oflag=direct", "conv=notrunc"], capture_output=True,
                   check=True)
    return (512 << 20) / 1e6 / (time.monotonic() - began)


def sealed(bench):
    """One large file, encrypted, beside the same in plain and beside another tool that encrypts."""
    def ours(*options):
        where, took = deliver(bench, bench.file, *options, server=bench.durable)
        qrx.check_equal(bench.size, os.path.getsize(os.path.join(where, "large")), "size of what was received")
        return took

    sides = {"plain": (lambda: ours("--seal", "off"), bench.durable.pid),
             "sealed": (lambda: ours("--seal", "require"), bench.durable.pid)}
    missing = wormhole_missing()
    if not missing:
        sides["wormhole-william"] = (lambda: wormhole(bench), None)
    results = bench.measure(sides)
    plain, ours_sealed = results["plain"], results["sealed"]
    factor = ours_sealed[0] / plain[0]
    bench.row(f"{bench.size >> 20} MiB end to end, sealed", "1.25 times as long as plain", f"{factor:.2f} times", factor <= 1.25,
              f"{ours_sealed[0]:.2f} s, plain {plain[0]:.2f} s; CPU {ours_sealed[3]:.2f} s, plain {plain[3]:.2f} s")
    if missing:
        bench.row("the same beside wormhole-william", "4.0 times as fast", "not measured", False, missing)
    else:
        bench.compare(f"{bench.size >> 20} MiB end to end, sealed, beside wormhole-william", results, "sealed", 4.0,
                      peer="wormhole-william")


def wormhole_missing():
    """Why wormhole-william cannot run here, or ''. It asks for the address of a public relay, whatever relay it is told: so it
    runs in a network of its own, where that name is this machine."""
    for program in ("wormhole-william", "twistd3", "unshare"):
        if not shutil.which(program):
            return f"there is no {program}"
    done = subprocess.run(["unshare", "-rnm", "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def wormhole(bench):
    directory = os.path.join(bench.dir, f"wormhole-{bench.fresh()}")
    os.makedirs(directory)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wormhole.sh")
    done = subprocess.run(["unshare", "-rnm", script, bench.file], cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    qrx.check_equal(0, done.returncode, f"wormhole-william: {done.stdout} {done.stderr}")
    qrx.check_equal(bench.size, os.path.getsize(os.path.join(directory, "got", os.path.basename(bench.file))), "size by wormhole-william")
    return float(done.stdout)


def tls(bench):
    """Processor time of the servers with TLS, for one large file both ways."""
    certificate, key = os.path.join(bench.dir, "cert.pem"), os.path.join(bench.dir, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2", "-keyout", key, "-out",
                    certificate], capture_output=True, check=True)
    server = bench.serve("tls", "--tls-cert", certificate, "--tls-key", key)
    nginx_url = bench.start_nginx_tls(certificate, key)
    trust = ("--cacert", certificate)
    with make_space(server, certificate) as space:
        old = set(bench.large_files())
        bench.curl(*trust, "-T", bench.file, space.upload_url + "/down")
        bench.curl(*trust, "-T", bench.file, f"{nginx_url}/down")
        bench.inputs |= set(bench.large_files()) - old
        url = space.api_url + "/files/" + space.files()["down"]["file"]
        results = bench.measure({
            "nginx": (lambda: bench.curl(*trust, "-T", bench.file, f"{nginx_url}/up{bench.fresh()}"), bench.nginx_tls.pid),
            "qrx": (lambda: bench.curl(*trust, "-T", bench.file, f"{space.upload_url}/up{bench.fresh()}"), server.pid)})
        bench.compare(f"upload {bench.size >> 20} MiB with TLS", results, "qrx", None, cpu_of_peer=0.6)
        results = bench.measure({
            "nginx": (lambda: bench.curl(*trust, "-o", "/dev/null", f"{nginx_url}/down"), bench.nginx_tls.pid),
            "qrx": (lambda: bench.curl(*trust, "-o", "/dev/null", "-H", "Authorization: Bearer " + space.token, url), server.pid)})
        bench.compare(f"download {bench.size >> 20} MiB with TLS", results, "qrx", None, cpu_of_peer=0.8)


@contextlib.contextmanager
def make_space(server, certificate):
    """A space of a server that speaks TLS: Python is to trust its certificate meanwhile."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = certificate
    try:
        yield server.space()
    finally:
        if before is None:
            del os.environ["SSL_CERT_FILE"]
        else:
            os.environ["SSL_CERT_FILE"] = before


def build(bench):
    """The programs, compiled from nothing, without ccache, on two cores."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory(dir=bench.dir, prefix="build.") as directory:
        subprocess.run(["cmake", "-S", qrx.SOURCE, "-B", directory, "-G", "Ninja"], stdin=subprocess.DEVNULL, capture_output=True,
                       check=True, env={**os.environ, "CCACHE_DISABLE": "1"})
        before = bench.children_cpu()
        began = time.monotonic()
        done = subprocess.run(["cmake", "--build", directory, "-j2", "--target", "qrx-recv", "qrx-send", "qrx-serve", "qrx-share",
                               "qrx-scan"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              env={**os.environ, "CCACHE_DISABLE": "1"},
                              preexec_fn=lambda: os.sched_setaffinity(0, cores))
        took = time.monotonic() - began
        qrx.check_equal(0, done.returncode, f"build: {done.stdout[-2000:]}")
    cpu = bench.children_cpu() - before
    bench.row("cold build of the tools, without ccache, 2 cores", "under 240 s", f"{took:.0f} s", took < 240,
              f"CPU {cpu:.0f} s, so {cpu / 2:.0f} s on two cores that do nothing else")


if __name__ == "__main__":
    sys.exit("run tests/bench/bench")
