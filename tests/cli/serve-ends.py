#!/usr/bin/python3
"""How qrx-serve ends: mistakes in its options, a place that is taken, check and sweep with their findings and exit codes."""
import glob
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

SERVE = os.path.join(qrx.BIN, "qrx-serve")


def run(*arguments, **more):
    return subprocess.run([SERVE, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30, check=False, **more)


def mistakes(w):
    for arguments in (["--bind", "nonsense"], ["--bind", "127.0.0.1:99999"], ["--expire", "soon"], ["--max-size", "-1"], ["--create", "maybe"],
                      ["--create", "token"], ["--tls-cert", "x"], ["--catalog", "postgresql://x"], ["--blobs", "s3://x/y"], ["--unknown"],
                      ["sweep", "check"], ["serve"], ["--public-url", "ftp://x"], ["--expire", "2d", "--max-expire", "1d"],
                      ["--trusted-proxy", "nonsense"], ["--config", w.path("missing.toml")]):
        done = run("-D", w.path("mistakes"), *arguments)
        qrx.check_equal(2, done.returncode, f"exit of {arguments}: {done.stderr}")
        qrx.check(done.stderr.startswith("qrx-serve: "), f"message of {arguments}: {done.stderr}")
        qrx.check_equal("", done.stdout, f"stdout of {arguments}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("-D", w.path("taken"), "-b", f"127.0.0.1:{taken.getsockname()[1]}")
        qrx.check(done.returncode == 1 and "in use" in done.stderr, f"{done}")
    for verb in ("sweep", "check"):
        done = run(verb, "-D", w.path("mistyped"))
        qrx.check(done.returncode == 1 and "is not a qrx-serve data directory" in done.stderr and not os.path.exists(w.path("mistyped")), f"{verb}: {done}")
    done = run("-D", "/proc/nonsense")
    qrx.check(done.returncode == 1 and "/proc/nonsense" in done.stderr, f"{done}")


def config(w):
    with open(w.path("serve.toml"), "w", encoding="ascii") as file:
        file.write('bind = "127.0.0.1:0"\nmax-size = "5M"\nlog = "json"\n\n[notify.mail]\nurl = "smtp://127.0.0.1:25"\nfrom = "qrx@example.org"\n')
    tool = w.tool("qrx-serve", "--config", w.path("serve.toml"), "-D", w.path("config"), "--json")
    url = tool.expect_event("ready")["url"]
    limits = qrx.request("POST", url + "/api/v1/spaces", b"{}").json()["limits"]
    qrx.check_equal(5 << 20, limits["max_size"], "a limit of the configuration file")
    second = run("-b", "127.0.0.1:0", "-D", w.path("config"))
    qrx.check(second.returncode == 75 and second.stderr, f"two servers on the same data: {second}")


def check(w):
    server = w.server(data=w.path("data"))
    space = server.space()
    for number in range(3):
        qrx.check_equal(201, qrx.request("PUT", f"{space.upload_url}/f{number}", b"%d" % number * 500_000).status)
    well = run("check", "-D", server.data)
    qrx.check_equal((0, ""), (well.returncode, well.stdout), f"check beside a running server: {well}")
    qrx.check("3 files" in well.stderr and "0 corrupt" in well.stderr, well.stderr)
    blobs = sorted(path for path in glob.glob(os.path.join(server.data, "blobs", "*", "*")) if os.path.getsize(path) == 500_000)
    qrx.check_equal(3, len(blobs), "blobs")
    with open(blobs[0], "r+b") as file:
        file.seek(1234)
        file.write(b"!")
    os.unlink(blobs[1])
    for running in (True, False):
        if not running:
            server.terminate()
        found = run("check", "-D", server.data)
        qrx.check_equal(6, found.returncode, f"check with the server {'running' if running else 'gone'}: {found}")
        qrx.check_equal(2, len(found.stdout.splitlines()), f"findings: {found.stdout}")
        qrx.check("1 missing, 1 corrupt" in found.stderr, found.stderr)
        events = run("check", "-D", server.data, "--json").stdout
        qrx.check('"event":"checked"' in events and '"corrupt":1' in events, events)


def sweep(w):
    server = w.server(data=w.path("swept"))
    short, long = server.space(expire=1), server.space()
    for space in (short, long):
        qrx.check_equal(201, qrx.request("PUT", space.upload_url + "/f", b"x" * 100_000).status)
    qrx.wait_for(5, lambda: short.get().status == 410, "the space expires")
    done = run("sweep", "-D", server.data, "-v")
    qrx.check(done.returncode == 0 and done.stdout == "" and "deleted 1 space" in done.stderr, f"{done}")
    again = run("sweep", "-D", server.data)
    qrx.check_equal((0, "", ""), (again.returncode, again.stdout, again.stderr), "what cron would mail")
    qrx.check_equal(404, short.get().status)
    qrx.check_equal(200, long.get().status)
    server.terminate()
    alone = run("sweep", "-D", server.data, "--json")
    qrx.check(alone.returncode == 0 and '"event":"swept"' in alone.stdout, f"{alone}")


def main():
    with qrx.work() as w:
        mistakes(w)
        config(w)
        check(w)
        sweep(w)


if __name__ == "__main__":
    main()
