#!/usr/bin/python3
"""Two senders, a receiver that waits for one: what was acknowledged to the second is not deleted unseen."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

LINK = re.compile(r"HTTP://\S+(?=\n)")


def two_send(w, server, output):
    """Both are done between two looks of the receiver."""
    recv = w.tool("qrx-recv", "--no-qr", "-s", server.url, "-i", "2s", "-o", output)
    qrx.wait_for(10, lambda: LINK.search(recv.err), "the link")
    drop = LINK.search(recv.err).group()
    for name, text in (("first", b"one"), ("second", b"two")):
        url = drop.split("#")[0].lower() + "/" + name
        qrx.check_equal(201, qrx.request("PUT", url, text).status, f"PUT {name}")
    return recv, drop


with qrx.work() as w:
    server = w.server()
    out = w.path("out/")
    recv, drop = two_send(w, server, out)
    recv.expect_exit(0)
    qrx.check_equal(["first", "second"], sorted(os.listdir(out)), "saved")
    qrx.check_equal(404, qrx.request("GET", drop.split("#")[0].lower()).status, "the space, afterwards")

    # A stream holds one delivery; the other stays where it is.
    recv, drop = two_send(w, server, "-")
    recv.expect_exit(3)
    qrx.check_equal(["one"], recv.out, "the stream")
    qrx.check("more arrived after the stream ended" in recv.err and "kept on the server" in recv.err, recv.err)
    qrx.check_equal(200, qrx.request("GET", drop.split("#")[0].lower()).status, "the space, afterwards")

    # A delivery that comes while the space is being deleted is not deleted with it.
    space = server.space()
    qrx.check_equal(201, qrx.request("PUT", space.upload_url + "/late", b"late").status, "PUT late")
    bearer = {"Authorization": "Bearer " + space.token}
    qrx.check_equal(409, qrx.request("DELETE", space.api_url + "?deliveries=0", headers=bearer).status, "another number")
    qrx.check_equal(400, qrx.request("DELETE", space.api_url + "?deliveries=x", headers=bearer).status, "no number")
    qrx.check_equal(["late"], list(space.files()), "what is left")
    qrx.check_equal(204, qrx.request("DELETE", space.api_url + "?deliveries=1", headers=bearer).status, "that number")
