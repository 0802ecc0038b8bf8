#!/usr/bin/python3
"""Apprise as an independent sender: what it sends to each service and what we send have the same form."""
import subprocess
import urllib.parse

from notices import Capture, Helper, secret_file
from qrx import check, check_equal, work

# Of each service: Apprise's URL for a capture server at PORT, our channel with its table and address, and what must agree.
with work() as w:
    token = secret_file(w, "token", "123456789:abcdefghijklmnopqrstuvwxyz012345678")

    def from_apprise(url, answers):
        with Capture(*answers) as server:
            subprocess.run(["apprise", "-b", "words", url.replace("PORT", str(server.port))], capture_output=True, check=False, timeout=60)
            return server.requests

    def from_us(channel, table, address, answers):
        with Capture(*answers) as server, Helper({channel: {k: v.replace("URL", server.url) for k, v in table.items()}}, allow_private=True) as helper:
            got = helper.send(channel, address.replace("URL", server.url))
            check_equal("sent", got.state, f"{channel}: {got}")
            return server.requests

    def shape(request):
        return request.method, urllib.parse.urlsplit(request.path).path, request.headers["Content-Type"].split(";")[0]

    ok = [(200, {"id": "x", "event_id": "$1", "ok": True}, {})]
    theirs = from_apprise("ntfy://127.0.0.1:PORT/topic", ok)[-1]
    ours = from_us("ntfy", {"url": "URL"}, "topic", ok)[-1]
    check_equal(shape(theirs), shape(ours), "ntfy")
    check_equal(theirs.json()["topic"], ours.json()["topic"])
    check({"topic", "message"} <= set(theirs.json()) & set(ours.json()), "members for ntfy")

    theirs = from_apprise("mmost://127.0.0.1:PORT/abcdefghijklmnopqrstuvwxyz", ok)[-1]
    ours = from_us("mattermost", {}, "URL/hooks/abcdefghijklmnopqrstuvwxyz", ok)[-1]
    check_equal(shape(theirs), shape(ours), "mattermost")
    check("text" in theirs.json() and "text" in ours.json(), "members for mattermost")

    theirs = from_apprise("rocket://abcdefghijklmnop/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@127.0.0.1:PORT?mode=webhook", ok)
    if theirs:
        check_equal(shape(theirs[-1])[2], "application/json")
        check("text" in theirs[-1].json(), "members for Rocket.Chat")

    theirs = from_apprise("matrix://user:tok@127.0.0.1:PORT/!room:example.org?version=3", [(200, {"access_token": "t", "user_id": "@u:x", "home_server": "x",
                          "room_id": "!room:example.org", "event_id": "$1"}, {})])
    ours = from_us("matrix", {"url": "URL", "token_file": token}, "!room:example.org", ok)[-1]
    sends = [r for r in theirs if "/send/m.room.message" in r.path]
    check(sends, f"Apprise sent nothing to Matrix: {[r.path for r in theirs]}")
    check_equal({"msgtype", "body"}, set(sends[-1].json()) & {"msgtype", "body"})
    check_equal(sends[-1].json()["msgtype"], ours.json()["msgtype"])
    check("/rooms/%21room%3Aexample.org/send/m.room.message" in sends[-1].path and "/rooms/%21room%3Aexample.org/send/m.room.message" in ours.path,
          (sends[-1].path, ours.path))
    check(sends[-1].headers["Authorization"].startswith("Bearer ") and ours.headers["Authorization"].startswith("Bearer "), "Bearer")
