#!/usr/bin/python3
# run: timeout=240
"""The client of S3 stores against a real one (Swift's s3api): all that qrx needs works there, and what does not is told."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["QRX_SOURCE"], "tests", "support"))
import objectstore  # noqa: E402

if objectstore.missing():
    print(objectstore.missing())
    sys.exit(77)


def run(store, *words, data=b"", bucket=None, url=None, env=None):
    child = subprocess.run(
        [os.path.join(os.environ["QRX_BIN"], "s3-driver"), url or store.url, bucket or store.bucket, "some/prefix/", *words],
        input=data, capture_output=True, timeout=100, env={**os.environ, **store.env, **(env or {})})
    return child.returncode, child.stdout, child.stderr.decode()


def check(got, want, what):
    if got != want:
        sys.exit(f"{what}: {got!r}, not {want!r}")


with objectstore.ObjectStore(os.path.join(os.environ["TMPDIR"], "store")) as store:
    # Swift before 2.35 takes a wrong x-amz-checksum-crc32 without a word, and refuses a wrong x-amz-content-sha256.
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "swift-object"], check=True, capture_output=True, text=True).stdout
    checks_crc = subprocess.run(["dpkg", "--compare-versions", version, "ge", "2.35"]).returncode == 0
    check(run(store, "probe"), (0, b"crc32\n" if checks_crc else b"sha256\n", ""), "the probe")
    check(store.names(), {}, "what the probe leaves")

    data = os.urandom(3_000_000)
    for number in range(7):
        check(run(store, "put", f"{number:02}/x", data=data)[0], 0, "a put")
    check(run(store, "put", "empty")[0], 0, "a put of nothing")
    check(run(store, "get", "03/x", "1000000", "70000"), (0, data[1_000_000:1_070_000], ""), "a range")
    check(run(store, "get", "03/x", "0", "3000000"), (0, data, ""), "all of it")
    check(run(store, "get", "03/y", "0", "1")[0], 5, "what is absent")
    check(run(store, "list", "")[1], b"".join(b"%02d/x 3000000\n" % number for number in range(7)) + b"empty 0\n",
          "pages of a listing")
    check(run(store, "list", "03")[1], b"03/x 3000000\n", "a part of the listing")
    check(sorted(store.names()), [f"some/prefix/{number:02}/x" for number in range(7)] + ["some/prefix/empty"],
          "what the store has")
    check(run(store, "remove", "03/x")[0], 0, "a removal")
    check(run(store, "remove", "03/x")[0], 0, "a removal again")
    check(len(store.names()), 7, "what is left")

    def refused(want, words, **how):
        code, _, said = run(store, "probe", **how)
        if code != want or words not in said or said.count("\n") != 1:
            sys.exit(f"refused with {code}: {said!r}, not {want} and {words!r}")

    refused(2, "there is no bucket other", bucket="other")
    refused(2, "refuses access to s3://qrx-test/some/prefix", env={"AWS_SECRET_ACCESS_KEY": "wrong"})
    refused(75, "does not answer", url="http://127.0.0.1:1")
print("ok")
