#!/usr/bin/python3
"""list, block and delete: beside a running server and without one."""
import contextlib
import json
import os
import socket
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def main():
    with qrx.work() as w:
        server = w.server()

        def operate(*arguments):
            ran = subprocess.run([os.path.join(qrx.BIN, "qrx-serve"), *arguments, "--data", server.data], capture_output=True, text=True,
                                 timeout=30, env={**os.environ, **(server.env or {})})
            return ran.returncode, ran.stdout, ran.stderr

        def listed():
            code, out, err = operate("list", "--json")
            qrx.check_equal(0, code, err)
            return {one["guid"]: one for one in map(json.loads, out.splitlines())}

        # Who takes something from a space just now, its owner or a recipient, gets no more of it once it is blocked.
        taken = server.space()
        size = 64 << 20
        qrx.check_equal(201, qrx.request("PUT", taken.upload_url + "/big.bin", b"x" * size).status)
        file = taken.files()["big.bin"]["file"]
        wish = json.dumps({"recipients": ["link:A"]})
        made = qrx.request("POST", taken.api_url + "/shares", wish, {**taken.auth, "Content-Type": "application/json"}).json()
        link = urllib.parse.urlsplit(made["shares"][0]["link"]).path
        heads = [f"GET {taken.path}/files/{file} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {taken.token}\r\n\r\n",
                 f"GET {link}/files/{file} HTTP/1.1\r\nHost: x\r\n\r\n", f"GET {link}/all.zip HTTP/1.1\r\nHost: x\r\n\r\n"]
        sockets = []
        for head in heads:
            s = socket.create_connection((server.bind.split(":")[0], int(server.bind.split(":")[1])), timeout=30)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            s.sendall(head.encode())
            qrx.check(s.recv(100).startswith(b"HTTP/1.1 200"), head)
            sockets.append(s)
        qrx.check_equal(0, operate("block", taken.guid)[0], "block")
        for head, s in zip(heads, sockets, strict=True):
            got = 0
            with s, contextlib.suppress(ConnectionError):
                while piece := s.recv(1 << 20):
                    got += len(piece)
            qrx.check(got < size // 2, f"{got} bytes after the block: {head}")

        spaces = [server.space(label=f"space {i}") for i in range(4)]
        for space in spaces:
            qrx.check_equal(201, qrx.request("PUT", space.upload_url + "/a.bin", b"x" * 1000).status)
        for running in (True, False):
            blocked, deleted = spaces[:2] if running else spaces[2:]
            before = listed()
            qrx.check(before[blocked.guid]["files"] == 1 and before[blocked.guid]["bytes"] == 1000, before)
            qrx.check_equal("open", before[blocked.guid]["state"])
            qrx.check_equal((0, ""), operate("block", blocked.guid)[:2], "block")
            qrx.check_equal((0, ""), operate("delete", deleted.guid)[:2], "delete")
            after = listed()
            qrx.check_equal("blocked", after[blocked.guid]["state"])
            qrx.check(deleted.guid not in after, "the deleted space is still there")
            code, _, err = operate("delete", deleted.guid)
            qrx.check_equal(5, code, err)
            qrx.check_equal(2, operate("block", "nonsense")[0])
            qrx.check_equal(2, operate("block")[0])
            if running:
                qrx.check_equal(404, qrx.request("PUT", blocked.upload_url + "/b", b"x").status, "sending into a blocked space")
                qrx.check_equal(410, blocked.get("").status, "its owner")
                qrx.check_equal(200, spaces[3].get("").status, "the owner of another space")
                server.terminate()


if __name__ == "__main__":
    main()
