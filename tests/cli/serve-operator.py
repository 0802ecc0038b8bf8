#!/usr/bin/python3
"""list, block and delete: beside a running server and without one."""
import json
import os
import subprocess
import sys

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
