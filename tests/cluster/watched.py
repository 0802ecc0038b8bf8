"""Run by watched.sh. Nodes are told apart, say what differs between them, and count what they do; from another machine their data is
looked after without a node; what is wrong is one line."""
import http.client
import os
import signal
import socket
import subprocess
import threading

import qrx
import tus


def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def metrics(where):
    text = qrx.request("GET", f"http://127.0.0.1:{where}/metrics").body.decode()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


def command(work, *arguments, data="elsewhere", timeout=60):
    done = subprocess.run(["qrx-serve", *arguments, "--data", work.path(data)], capture_output=True, timeout=timeout)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def wrong(work, status, words, *arguments):
    code, _, said = command(work, *arguments, data="wrong")
    qrx.check(code == status and words in said and len(said.splitlines()) <= 2, f"{words!r}: {code} {said!r}")


def slowly(data, end):
    """The body of a request that takes its time, and never ends by itself."""
    for at in range(0, len(data), 20_000):
        yield data[at:at + 20_000]
        if end.wait(0.2):
            return


def send(place, body):
    try:
        tus.patch(place, 0, body, timeout=60)
    except (OSError, http.client.HTTPException):
        pass


def watched(one, two, ports):
    """What the metrics tell: who they are, that they hear each other, and take over what a third has not let go."""
    seen = [metrics(one_port) for one_port in ports]
    infos = [next(name for name in one if name.startswith("qrx_node_info")) for one in seen]
    qrx.check(infos[0] != infos[1] and socket.gethostname() in infos[0] and 'version="' in infos[0], f"{infos}")
    for one_seen in seen:
        qrx.check_equal((2, 1, 1), tuple(one_seen[name] for name in ("qrx_nodes", "qrx_nodes_disagreeing", "qrx_listener_up")), "nodes")
        qrx.check(one_seen["qrx_beat_age_seconds"] < 10 and one_seen["qrx_notifies_sent_total"] > 0, f"{one_seen}")
        qrx.check_equal(0, sum(one_seen[f'qrx_catalog_doubtful_total{{result="{how}"}}'] for how in ("committed", "undone", "unknown")),
                        "commits without an answer")
    space = one.space()
    qrx.wait_for(10, lambda: metrics(ports[1])["qrx_words_heard_total"] > 0, "words of the other node")
    data = b"x" * 1_000_000
    place = tus.location(one.url, tus.create(space.upload_url, len(data), "file"))
    elsewhere, end = place.replace(one.url, two.url), threading.Event()
    sender = threading.Thread(target=send, args=(place, slowly(data, end)), daemon=True)
    sender.start()
    qrx.wait_for(30, lambda: tus.offset(elsewhere) > 0, "bytes that were recorded")
    # Its writer may record some more between the question and the request.
    qrx.wait_for(30, lambda: tus.patch(elsewhere, (offset := tus.offset(elsewhere)), data[offset:]).status == 204, "the rest, elsewhere")
    end.set()
    qrx.check_equal([0, 1], [metrics(one_port)["qrx_uploads_taken_over_total"] for one_port in ports], "uploads taken over")
    # Counted once for both, at most a second ago.
    qrx.wait_for(5, lambda: [metrics(one_port)["qrx_stored_bytes"] for one_port in ports] == 2 * [len(data) + len("file")], "the same totals")


def disagree(one, two):
    """Each says once what differs, and who it is; a secret is not shown."""
    for node, there in ((one, "2097152"), (two, "1048576")):
        said = qrx.wait_for(20, lambda node=node: "another node has other settings" in node.err and node.err, "what differs")
        line = next(line for line in said.splitlines() if "another node has other settings" in line)
        qrx.check(f"(there {there})" in line and "max-size" in line, line)
        qrx.check("create-tokens differ" in line, line)
        qrx.check(socket.gethostname() in line and "expire" not in line, line)
        qrx.check("secret-of-" not in said, "no token")
        qrx.check_equal(1, said.count("another node has other settings"), "once")


def agree(two, tokens):
    """Told the same tokens they differ in the rest alone."""
    work_file(tokens[1], "# the same\nsecret-of-one\n")
    before = two.err.count("another node has other settings")
    two.signal(signal.SIGHUP)
    qrx.wait_for(20, lambda: two.err.count("another node has other settings") > before, "what differs now")
    line = [line for line in two.err.splitlines() if "another node has other settings" in line][-1]
    qrx.check("max-size" in line and "create-tokens" not in line, line)


def work_file(path, text):
    with open(path, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)


def from_anywhere(work, blobs, catalog):
    code, _, said = command(work, "check", "--blobs", blobs, "--catalog", catalog)
    qrx.check(code == 0 and said.startswith("1 files"), f"check: {code} {said!r}")
    qrx.check_equal((0, "", ""), command(work, "sweep", "--blobs", blobs, "--catalog", catalog), "sweep")


def what_is_wrong(work, blobs, catalog, other):
    # An empty directory, as one that is not mounted, is not taken for the contents.
    for words in ("sweep", "check"):
        wrong(work, 75, "is the shared directory mounted", words, "--blobs", f"dir:{work.path('empty')}", "--catalog", catalog)
    wrong(work, 75, "check user and database", "sweep", "--blobs", blobs, "--catalog", catalog.replace("/qrx?", "/nothing?"))
    wrong(work, 75, "check user and database", "sweep", "--blobs", blobs, "--catalog", catalog.replace("postgres@", "nobody@"))
    subprocess.run(["psql", "-q", os.environ["postgresql"] + " dbname=postgres", "-c", "CREATE ROLE guest LOGIN", "-c",
                    "CREATE DATABASE theirs", "-c", "REVOKE CREATE ON DATABASE theirs FROM PUBLIC", "-c", "\\c theirs", "-c",
                    "REVOKE CREATE ON SCHEMA public FROM PUBLIC"], check=True)
    wrong(work, 75, "the owner of its database", "sweep", "--blobs", blobs, "--catalog",
          catalog.replace("postgres@", "guest@").replace("/qrx?", "/theirs?"))
    wrong(work, 75, "check host and port", "sweep", "--blobs", blobs, "--catalog", "postgresql://127.0.0.1:1/qrx")
    store = ["--blobs", "s3://bucket/p", "--s3-endpoint", "http://127.0.0.1:1", "--catalog", other]
    wrong(work, 2, "no keys for the S3 store", "sweep", *store)
    os.environ.update(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
    wrong(work, 75, "check --s3-endpoint", "sweep", *store)
    # The tables of this catalog were made by the attempts above: it is another one, and no new one.
    wrong(work, 2, "has the contents of another catalog", "sweep", "--blobs", blobs, "--catalog", other)


def pair(work, catalog, blobs, ports, *more):
    """Two nodes that differ in one limit, and in what `more` has for each."""
    return [work.server("--catalog", catalog, "--blobs", blobs, "--metrics-bind", f"127.0.0.1:{where}", "--max-size", f"{number + 1}M",
                        *options, data=work.path(f"node{number}"))
            for number, (where, *options) in enumerate(zip(ports, *more))]


def main():
    catalog, other = os.environ["catalog"], os.environ["other"]
    with qrx.work() as work:
        blobs = f"dir:{work.path('blobs')}"
        os.mkdir(work.path("blobs"))
        ports = [port(), port()]
        nodes = pair(work, catalog, blobs, ports)
        qrx.wait_for(20, lambda: all((seen := metrics(where))["qrx_nodes"] == 2 and seen["qrx_nodes_disagreeing"] == 1
                                     for where in ports), "each other")
        watched(*nodes, ports)
        from_anywhere(work, blobs, catalog)
        for node in nodes:
            qrx.check_equal(0, node.terminate(), "SIGTERM")
        tokens = [work.path("tokens1"), work.path("tokens2")]
        work_file(tokens[0], "secret-of-one\n")
        work_file(tokens[1], "secret-of-two\n")
        nodes = pair(work, catalog, blobs, ports, ["--create"] * 2, ["token"] * 2, ["--token-file"] * 2, tokens)
        disagree(*nodes)
        agree(nodes[1], tokens)
        for node in nodes:
            qrx.check_equal(0, node.terminate(), "SIGTERM")
        what_is_wrong(work, blobs, catalog, other)


main()
