#!/usr/bin/python3
"""What is open in a space, as its owner sees it and ends it: deliveries, empty ones too, and uploads."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
import tus  # noqa: E402


def delete(space, path, token=None):
    headers = {"Authorization": "Bearer " + (token or space.token)}
    return qrx.request("DELETE", space.api_url + path, headers=headers).status


def main():
    with qrx.work() as w:
        server = w.server()
        space, another = server.space(), server.space()
        qrx.check_equal([], space.state()["open"], "what is open of an empty space")
        empty, filled = tus.open_delivery(space.upload_url), tus.open_delivery(space.upload_url)
        small = lambda name: qrx.request("PUT", f"{space.upload_url}/deliveries/{filled}/files/{name}", b"small").status
        qrx.check_equal(202, small("a"))
        held = {one["delivery"]: (one["files"], one["bytes"]) for one in space.state()["open"]}
        qrx.check_equal({empty: (0, 0), filled: (1, 5)}, held, "what is open")
        qrx.check_equal(202, small("b"))
        held = {one["delivery"]: (one["files"], one["bytes"]) for one in space.state()["open"]}
        qrx.check_equal((2, 10), held[filled], "a small file that came since")

        url = tus.location(server.url, tus.create(space.upload_url, 9, "slow"))
        qrx.check_equal(204, tus.patch(url, 0, b"1234").status)
        upload = space.state()["uploads"][0]
        qrx.check_equal(("slow", 4), (upload["name"], upload["offset"]))
        for path in ("/uploads/" + upload["upload"], "/deliveries/" + filled):
            qrx.check_equal(404, delete(space, path, another.token), "with the token of another")
            qrx.check_equal(401, qrx.request("DELETE", space.api_url + path).status, "without a token")
        qrx.check_equal(204, delete(space, "/uploads/" + upload["upload"]))
        qrx.check(tus.patch(url, 4, b"56789").status in (404, 410), "an upload that was ended goes on")
        qrx.check_equal(204, delete(space, "/deliveries/" + empty))
        qrx.check_equal(404, delete(space, "/deliveries/" + empty), "ended twice")

        qrx.check_equal(200, tus.commit(space.upload_url, filled, 2).status)
        state = space.state()
        qrx.check_equal(([], []), (state["open"], state["uploads"]), "what is open at the end")
        qrx.check_equal(409, delete(space, "/deliveries/" + filled), "a committed delivery")
        qrx.check_equal(409, delete(space, "/uploads/" + space.files()["a"]["file"]), "a complete upload")
        qrx.check_equal({"a", "b"}, set(space.files()), "what was committed")


if __name__ == "__main__":
    main()
