#!/usr/bin/python3
"""Notices of the server: one each, with one's own link; Retry-After, refusals, limits, a transport that hangs, and secrets
that do not stay."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import notices
import qrx

KEY = "AGE-SECRET-KEY-1" + "Q" * 58


def share(space, recipients, status=(200, 201), **wish):
    answer = qrx.request("POST", space.api_url + "/shares", json.dumps({"recipients": recipients, "notify": True, **wish}), space.auth)
    qrx.check(answer.status in status, f"sharing: {answer!r}")
    return answer.json().get("shares")


def state(space, share_of):
    return space.get("/shares/" + share_of["share"]).json()


def becomes(space, one, wanted, seconds=10):
    return qrx.wait_for(seconds, lambda: (lambda s: s if s["state"] == wanted else None)(state(space, one)),
                        f"{one['to']} becomes {wanted}: {state(space, one)}")


def kept(data, text):
    for top, _, names in os.walk(data):
        for name in names:
            path = os.path.join(top, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    if text.encode() in file.read():
                        return path
    return None


def script(w, name, text):
    path = w.path(name)
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


with qrx.work() as w, notices.Capture((200, b"ok", {})) as hook, \
        notices.Capture((429, b"slow down", {"Retry-After": "1"}), (200, b"ok", {})) as busy:
    hang = script(w, "hang", "exec sleep 60\n")
    no = script(w, "no", "echo no such person >&2\nexit 1\n")
    config = w.path("serve.toml")
    with open(config, "w", encoding="ascii") as file:
        file.write(f"""
[notify]
allow_private = ["127.0.0.1"]
per_recipient = 3
recipients = 60
[notify.webhook]
allow_http = true
[notify.exec.hang]
command = ["{hang}"]
[notify.exec.no]
command = ["{no}"]
per_day = 2
""")
    server = w.server("--config", config, "-v")
    space = server.space(label="Anna")
    qrx.request("PUT", space.upload_url + "/a.txt", b"hello")

    made = share(space, [f"{hook.url}/{i}" for i in range(40)], message="the minutes")
    for one in made:
        becomes(space, one, "sent")
    told = {request.path: request.body.decode() for request in hook.requests}
    qrx.check_equal((40, 40), (len(hook.requests), len(told)), "notices")
    for number, one in enumerate(made):
        body = told[f"/{number}"]
        qrx.check(one["link"] in body, f"the notice lacks the link: {body}")
        qrx.check("the minutes" in body and "Anna" in body and "1 file" in body, f"the notice: {body}")
        qrx.check(not any(other["link"] in body for other in made if other is not one), "a notice has another's link")
    share(space, [f"{hook.url}/{i}" for i in range(40)])
    time.sleep(0.5)
    qrx.check_equal(40, len(hook.requests), "notices after a second run")

    # A transport that hangs holds up nothing else.
    hung = share(space, [f"exec:hang:{i}" for i in range(6)])
    begun = time.monotonic()
    one = share(space, [f"{busy.url}/later"])[0]
    now = becomes(space, one, "sent")
    qrx.check(1 <= time.monotonic() - begun < 6, f"Retry-After: {time.monotonic() - begun:.1f} s")
    qrx.check_equal(["queued", "sending", "queued", "sending", "sent"], [e["state"] for e in now["history"]], "the history")
    qrx.check_equal(2, len(busy.requests), "attempts")
    begun = time.monotonic()
    qrx.check_equal(200, qrx.request("GET", server.url + "/healthz").status, "health")
    qrx.check(time.monotonic() - begun < 0.5, "the server is slow")
    qrx.check_equal({"sending", "queued"}, {state(space, one)["state"] for one in hung}, "those that hang")
    for one in hung:
        qrx.check_equal(204, qrx.request("DELETE", space.api_url + "/shares/" + one["share"], headers=space.auth).status, "revoking")

    # What does not work says why, each by itself.
    mixed = share(space, ["a@example.org", "+8613800138000", "exec:no:x", "link:by-hand", f"{hook.url}/good"])
    qrx.check_equal(("failed", "this server sends no e-mail"), (mixed[0]["state"], mixed[0]["reason"]), "mail")
    qrx.check_equal(("failed", "this server sends no SMS"), (mixed[1]["state"], mixed[1]["reason"]), "SMS")
    qrx.check("no such person" in becomes(space, mixed[2], "failed")["reason"], "the reason")
    qrx.check_equal("sent", mixed[3]["state"], "by hand")
    becomes(space, mixed[4], "sent")
    share(space, ["exec:no:x"])
    becomes(space, mixed[2], "failed")
    refused = share(space, ["exec:no:y"])[0]
    qrx.check("today" in refused["reason"], f"over the transport's limit: {refused}")

    other = server.space()
    for number in range(3):
        one = share(server.space(), [f"{hook.url}/same"])[0]
        qrx.check_equal("queued", one["state"], f"notice {number} to the same recipient: {one}")
    one = share(other, [f"{hook.url}/same"])[0]
    qrx.check("recipient" in one["reason"], f"over the recipient's limit: {one}")
    qrx.check_equal(200, qrx.request("GET", one["link"]).status, "its link works all the same")
    share(other, [f"link:{i}" for i in range(60)], status=(403,))

    # The key of --with-key is in the link of the notice and nowhere else, and goes.
    sealed = server.space()
    slow = share(sealed, ["exec:hang:key"], key=KEY)[0]
    qrx.check(KEY not in json.dumps(slow), "the key came back")
    qrx.check(kept(server.data, KEY) is not None, "a notice that is not sent has its key")
    one = share(sealed, [f"{hook.url}/key"], key=KEY)[0]
    becomes(sealed, one, "sent")
    qrx.check(any(f"{one['link']}#{KEY}" in request.body.decode() for request in hook.requests), "the notice lacks the key")
    qrx.check_equal(204, qrx.request("DELETE", sealed.api_url, headers=sealed.auth).status, "deleting")

    server.terminate()
    for text in (KEY, made[0]["link"].rsplit("/", 1)[1], one["link"].rsplit("/", 1)[1]):
        qrx.check_equal(None, kept(server.data, text), f"a secret that stayed: {text}")
    qrx.check("example.org" not in server.err and made[0]["link"].rsplit("/", 1)[1] not in server.err, "the log tells secrets")
