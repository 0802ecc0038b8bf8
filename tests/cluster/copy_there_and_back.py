"""Run by copy.sh. Everything of a server goes to another kind of server and back, and every link goes on to work."""
import glob
import json
import os
import subprocess

import objectstore
import qrx
import tus

if objectstore.missing():
    qrx.skip(objectstore.missing())


def put(space, name, data):
    qrx.check_equal(201, qrx.request("PUT", f"{space.upload_url}/{name}", data, timeout=60).status, f"PUT {name}")


class Contents:
    """What a sender, a receiver and a recipient have of a server, and what they find of it on the next one."""

    def __init__(self, w, server):
        self.small, self.large = b"".join(qrx.noise(5000, 1)), b"".join(qrx.noise(20_000_000, 2))
        self.space = server.space(label="Holidays", packs=True)
        put(self.space, "small.bin", self.small)
        put(self.space, "large.bin", self.large)
        put(self.space, "empty.bin", b"")
        tree = w.path("tree")
        os.makedirs(tree)
        for number in range(50):
            w.file(f"tree/{number}.txt", 100 + number, seed=number + 10)
        w.tool("qrx-send", "--no-progress", "-l", self.space.drop, "--seal", "off", tree).expect_exit(0)
        w.tool("qrx-send", "--no-progress", "-l", self.space.drop, "--seal", "off", "--text", "see you at 8").expect_exit(0)
        # A part of an upload was acknowledged.
        self.other = server.space()
        self.half = b"".join(qrx.noise(6_000_000, 3))
        self.upload = tus.location(server.url, tus.create(self.other.upload_url, len(self.half), "half.bin"))
        qrx.check_equal(204, tus.patch(self.upload, 0, self.half[:2_500_000]).status, "half of an upload")
        self.upload = self.upload.removeprefix(server.url)
        # A link for two downloads, of which one is used.
        made = qrx.request("POST", self.space.api_url + "/shares", json.dumps({"recipients": ["link:anna"], "downloads": 2}),
                           {**self.space.auth, "Content-Type": "application/json"})
        qrx.check_equal(201, made.status, f"a share: {made!r}")
        self.link = made.json()["shares"][0]["link"].removeprefix(server.url)
        self.taken = 0
        self.download(server, 200)
        self.before = self.state(server)

    def download(self, server, status):
        answer = qrx.request("GET", server.url + self.link + "/files/" + self.space.at(server).files()["small.bin"]["file"])
        qrx.check_equal(status, answer.status, f"a download by the link: {answer!r}")
        qrx.check(status != 200 or answer.body == self.small, "what it brings")

    def state(self, server):
        state = self.space.at(server).state()
        for one in state["deliveries"]:
            for file in one["files"]:
                del file["url"]  # which names the server
        return [{key: one.get(key) for key in ("delivery", "message", "committed", "files")} for one in state["deliveries"]]

    def same(self, server):
        qrx.check(self.before == self.state(server), "the deliveries differ")
        drop = qrx.request("GET", self.space.upload_url, headers={"Accept": "application/json"}).json()
        qrx.check_equal(("Holidays", True), (drop["label"], drop.get("packs")), "what senders are told")
        for name, data in (("small.bin", self.small), ("large.bin", self.large), ("empty.bin", b"")):
            qrx.check(self.space.content(self.space.files()[name], timeout=60).body == data, f"{name} differs")


def copy(env, source, *target, status=0):
    done = subprocess.run(["qrx-serve", "copy", "--json", "--from", source, *target], capture_output=True, timeout=120, env=env,
                          text=True)
    qrx.check_equal(status, done.returncode, f"copy: {done.stdout} {done.stderr}")
    return json.loads(done.stdout) if done.stdout else done.stderr


with qrx.work() as work, objectstore.ObjectStore(work.path("store")) as store:
    environment = {**os.environ, **store.env}
    cluster = ["--catalog", os.environ["catalog"], "--blobs", f"s3://{objectstore.BUCKET}/copied", "--s3-endpoint", store.url]
    first = work.server(data=work.path("first"))
    contents = Contents(work, first)
    said = copy(environment, first.data, *cluster, status=75)
    qrx.check("does not answer" in said, f"of a server that runs: {said}")
    qrx.check_equal(0, first.terminate(), "SIGTERM")

    # There: nothing but what the options say is needed, and twice is once.
    told = copy(environment, first.data, *cluster)
    qrx.check_equal((2, 0, 0), (told["spaces"], told["there"], told["failures"]), f"what it says: {told}")
    qrx.check_equal(53, told["files"], "files")
    told = copy(environment, first.data, *cluster)
    qrx.check_equal((0, 2), (told["spaces"], told["there"]), "a second run")
    node = work.server(*cluster, data=work.path("node"), env=store.env)
    contents.same(node)
    qrx.check_equal(2_500_000, int(tus.head(node.url + contents.upload).header("Upload-Offset")), "the upload's offset")
    qrx.check_equal(204, tus.patch(node.url + contents.upload, 2_500_000, contents.half[2_500_000:]).status, "its rest")
    contents.download(node, 200)
    contents.download(node, 410)
    checked = subprocess.run(["qrx-serve", "check", "--data", node.data, *cluster], capture_output=True, timeout=60, env=environment)
    qrx.check_equal(0, checked.returncode, f"check: {checked.stdout} {checked.stderr}")
    qrx.check_equal(0, node.terminate(), "SIGTERM")

    # Back, by the node's configuration.
    configuration = work.path("cluster.toml")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(f'catalog = "{os.environ["catalog"]}"\nblobs = "s3://{objectstore.BUCKET}/copied"\ns3-endpoint = "{store.url}"\n')
    told = copy(environment, configuration, "--data", work.path("second"))
    qrx.check_equal((2, 0), (told["spaces"], told["failures"]), f"back: {told}")
    second = work.server(data=work.path("second"))
    contents.same(second)
    half = contents.other.at(second)
    qrx.check(half.content(half.files()["half.bin"]).body == contents.half, "the upload that was finished there")
    contents.download(second, 410)
    qrx.check_equal(0, second.terminate(), "SIGTERM")

    # A damaged blob is told, and copied as it is.
    blob = max(glob.glob(work.path("second", "blobs", "*", "*")), key=os.path.getsize)
    with open(blob, "r+b") as file:
        file.seek(1_000_000)
        file.write(b"changed!")
    done = subprocess.run(["qrx-serve", "copy", "--from", work.path("second"), "--data", work.path("third")], capture_output=True,
                          timeout=60, text=True)
    qrx.check_equal(6, done.returncode, f"a damaged blob: {done.stderr}")
    qrx.check_equal(1, done.stderr.count("its bytes are not those of its checksum"), f"what it says: {done.stderr}")
    third = work.server(data=work.path("third"))
    qrx.check(contents.before == contents.state(third), "all else is there")
    qrx.check_equal(0, third.terminate(), "SIGTERM")

    # Mistakes.
    for words, arguments in (("where to", ["--from", work.path("third")]), ("need each other", ["--data", work.path("x")]),
                             ("is not a qrx-serve data directory", ["--from", work.path("tree"), "--data", work.path("x")])):
        done = subprocess.run(["qrx-serve", "copy", *arguments], capture_output=True, timeout=60, text=True)
        qrx.check(done.returncode != 0 and words in done.stderr, f"{words}: {done.returncode} {done.stderr}")
