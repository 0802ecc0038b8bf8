"""The oracle of acknowledgements: remembers, outside the server, everything that a server promised, and after each fault
asks whether it still holds. A violation is a qrx.Failed that says what replays it.

    oracle = Oracle(replay="QRX_SEED=7 tests/faults/kill-server")
    oracle.space(space)                        what lives (with the time it expires)
    upload = oracle.upload(space, url, data)   a tus upload: `data` is what its sender will send in all
    upload.acknowledged(offset)                before anything more is sent
    oracle.committed(space, name, data)        an answer said that this file is delivered
    oracle.may_appear(space, data)             sent, but never acknowledged: may be there as a whole, or not at all
    oracle.verify(server)                      (1) to (8) below; (9) is checked by `back_in_time`

(1) an upload's offset is at least the largest one acknowledged; (2) what is stored begins with the bytes that were sent;
(3) a committed file is there, with its size and its bytes; (4) a complete upload has a readable file; (5) the catalog is
sound and no row lacks its blob; (6) after a sweep nothing is left over; (7) every visible file is one that was sent;
(8) nothing expired can be read, nothing that lives is gone; (9) the server is back within two seconds.
"""
import hashlib
import os
import re
import subprocess
import time

import qrx


class Upload:
    def __init__(self, oracle, space, url, data):
        self.oracle, self.space, self.data = oracle, space, data
        self.id = url.rstrip("/").rsplit("/", 1)[1]
        self.offset = 0
        self.removed = False

    def acknowledged(self, offset):
        self.offset = max(self.offset, offset)


class Oracle:
    def __init__(self, replay, failed_sync=False):
        self.replay = replay
        self.failed_sync = failed_sync  # a sync failed: the upload it was for is lost, and must say so (410)
        self.spaces = {}     # guid → Space
        self.expires = {}    # guid → seconds since 1970, of spaces that shall expire during the test
        self.uploads = []
        self.files = {}      # (guid, sha256) → how often it was committed at least
        self.allowed = {}    # guid → set of sha256 that may be visible
        self.sizes = {}      # sha256 → size

    def space(self, space, expires=None):
        self.spaces[space.guid] = space
        self.allowed.setdefault(space.guid, set())
        if expires:
            self.expires[space.guid] = expires

    def upload(self, space, url, data):
        upload = Upload(self, space, url, data)
        self.uploads.append(upload)
        self.may_appear(space, data)
        return upload

    def may_appear(self, space, data):
        digest = hashlib.sha256(data).hexdigest()
        self.sizes[digest] = len(data)
        self.allowed[space.guid].add(digest)
        return digest

    def committed(self, space, data):
        digest = self.may_appear(space, data)
        self.files[space.guid, digest] = self.files.get((space.guid, digest), 0) + 1

    def violated(self, number, text):
        qrx.fail(f"({number}) {text}; again: {self.replay}")

    def back_in_time(self, server, began, limit=2.0):
        answer = qrx.request("GET", server.url + "/healthz")
        took = time.monotonic() - began
        if answer.status != 200 or took > limit:
            self.violated(9, f"the server was back after {took:.2f} s (/healthz: {answer.status})")

    def verify(self, server, offline=True):
        for space in self.spaces.values():
            space.at(server)
        now = time.time()
        for guid, space in self.spaces.items():
            expires = self.expires.get(guid)
            answer = space.get()
            if expires and now > expires:
                if answer.status not in (404, 410):
                    self.violated(8, f"space {guid} expired {now - expires:.1f} s ago and answers {answer.status}")
                if qrx.request("GET", space.upload_url, headers={"Accept": "application/json"}).status not in (404, 410):
                    self.violated(8, f"the drop link of space {guid} outlived it")
                continue
            if answer.status != 200:
                if expires and time.time() > expires - 1:
                    continue
                self.violated(8, f"space {guid} is gone: {answer!r}")
            self._files(space, answer.json())
        for upload in self.uploads:
            if upload.space.guid not in self.expires and not upload.removed:
                self._upload(server, upload)
        if offline:
            self.check(server.data)

    def _files(self, space, state):
        seen = {}
        for delivery in state["deliveries"]:
            for file in delivery["files"]:
                answer = space.content(file)
                if answer.status != 200:
                    self.violated(3, f"visible file {file['name']} of {space.guid} answers {answer!r}")
                digest = hashlib.sha256(answer.body).hexdigest()
                if len(answer.body) != file["size"]:
                    self.violated(3, f"{file['name']} has {len(answer.body)} bytes and not {file['size']}")
                if digest not in self.allowed[space.guid]:
                    self.violated(7, f"visible file {file['name']} ({file['size']} bytes) is nothing that was sent")
                seen[digest] = seen.get(digest, 0) + 1
        for (guid, digest), count in self.files.items():
            if guid == space.guid and seen.get(digest, 0) < count:
                self.violated(3, f"a committed file of {self.sizes[digest]} bytes is gone from {guid} "
                                 f"({seen.get(digest, 0)} of {count})")

    def _upload(self, server, upload):
        url = f"{server.url}/u/{upload.space.guid}/uploads/{upload.id}"
        head = qrx.request("HEAD", url, headers={"Tus-Resumable": "1.0.0"})
        content = upload.space.api_url + "/files/" + upload.id
        if head.status not in (200, 204):
            if self.failed_sync and head.status == 410:
                return
            # A completed upload may answer as a file only.
            digest = hashlib.sha256(upload.data).hexdigest()
            if upload.offset < len(upload.data) or (upload.space.guid, digest) not in self.files:
                self.violated(1, f"upload {upload.id} was acknowledged to {upload.offset} and answers {head.status}")
            return
        offset = int(head.header("Upload-Offset"))
        if offset < upload.offset:
            self.violated(1, f"upload {upload.id} is at {offset}, acknowledged was {upload.offset}")
        if offset > len(upload.data):
            self.violated(2, f"upload {upload.id} is at {offset}, only {len(upload.data)} bytes exist")
        body = read_prefix(content, upload.space.auth, offset)
        if body is None and offset == len(upload.data):
            self.violated(4, f"upload {upload.id} is complete and its content cannot be read")
        if body is not None and body != upload.data[:offset]:
            good = next((i for i in range(0, len(body), 4096) if body[i:i + 4096] != upload.data[i:min(i + 4096, offset)]), 0)
            self.violated(2, f"upload {upload.id} has other bytes from {good} on ({len(body)} of {offset} could be read)")

    def check(self, data, allow_orphans=True):
        """(5) and, when orphans are not allowed, (6), by the tool itself."""
        found = run_serve("check", data)
        if found.returncode != 0:
            self.violated(5, f"qrx-serve check: {found.returncode} {found.stdout} {found.stderr}")
        told = re.search(r"\b(\d+) orphans\b", found.stdout + found.stderr)
        if not told:
            self.violated(5, f"qrx-serve check tells of no orphans, neither of none: {found.stdout} {found.stderr}")
        if not allow_orphans and int(told[1]):
            self.violated(6, f"qrx-serve check: {found.stdout} {found.stderr}")

    def sweep_and_check(self, data, allow_quarantine=False):
        """(5) and (6): no orphan after one sweep. A row comes before its blob and goes after it, so that a kill leaves nothing
        to set aside either; only a call that fails may (`allow_quarantine`)."""
        swept = run_serve("sweep", data)
        if swept.returncode != 0:
            self.violated(6, f"qrx-serve sweep: {swept.returncode} {swept.stdout} {swept.stderr}")
        self.check(data, allow_orphans=False)
        aside = sorted(os.listdir(os.path.join(data, "quarantine")))
        if aside and not allow_quarantine:
            self.violated(6, f"blobs that no row named were set aside: {aside}")


def run_serve(verb, data, *more):
    return subprocess.run([os.path.join(qrx.BIN, "qrx-serve"), verb, "--data", data, *more], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False)


def read_prefix(url, headers, size):
    """The first bytes of an answer that may go on for as long as an upload runs; None when it is no content."""
    connection = qrx.connect(url)
    try:
        connection.request("GET", "/" + url.split("/", 3)[3], headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            return None
        return answer.read(size) if size else b""
    finally:
        connection.close()
