#!/usr/bin/python3
"""What each messenger and webhook is sent, and what becomes of its answers: also of failures that come with 200."""
import base64
import hashlib
import hmac
import urllib.parse

from notices import NOTICE, Capture, Helper, secret_file
from qrx import check, check_equal, work

LINK = NOTICE["link"]


def outcome(channel, address_of, settings, *answers, **notice):
    """One notice to a capture server: (outcome, the last request). settings and address may name its address by URL."""
    with Capture(*answers) as hook:
        table = {key: value.replace("URL", hook.url) for key, value in settings.items()}
        with Helper({channel: table}, allow_private=True) as helper:
            return helper.send(channel, address_of.replace("URL", hook.url), **notice), hook.requests[-1] if hook.requests else None


def expect(state, got, reason=""):
    check(got.state == state and reason in got.reason, f"expected {state} with '{reason}', got {got}")


with work() as w:
    token = secret_file(w, "token", "123:abc_DEF")

    # Telegram
    telegram = {"url": "URL", "token_file": token}
    got, request = outcome("telegram", "-1001", telegram, (200, {"ok": True, "result": {}}, {}))
    expect("sent", got)
    check_equal("/bot123:abc_DEF/sendMessage", request.path)
    check_equal("-1001", request.json()["chat_id"])
    check(LINK in request.json()["text"] and "parse_mode" not in request.json(), request.json())
    got, _ = outcome("telegram", "1", telegram, (200, {"ok": False, "description": "Bad Request: chat not found"}, {}))
    expect("failed", got, "chat not found")
    got, _ = outcome("telegram", "1", telegram, (403, {"ok": False, "description": "Forbidden: bot was blocked by the user"}, {}))
    expect("failed", got, "blocked")
    got, _ = outcome("telegram", "1", telegram, (429, {"ok": False, "description": "slow", "parameters": {"retry_after": 17}}, {}))
    expect("later", got)
    check_equal(17, got.retry_after)

    # ntfy
    got, request = outcome("ntfy", "builds", {"url": "URL", "token_file": token}, (200, {"id": "x"}, {}))
    expect("sent", got)
    check_equal(("builds", LINK, "/"), (request.json()["topic"], request.json()["click"], request.path))
    check_equal("Bearer 123:abc_DEF", request.headers["Authorization"])
    got, _ = outcome("ntfy", "builds", {"url": "URL"}, (200, {"code": 40301, "error": "forbidden"}, {}))
    expect("failed", got, "forbidden")

    # Slack, Mattermost, Discord: the hook is the address
    got, request = outcome("slack", "URL/services/T/B/x", {}, (200, b"ok", {}), **{"from": "R&D <!channel> @here"})
    expect("sent", got)
    check_equal("/services/T/B/x", request.path)
    check("R&amp;D" in request.json()["text"] and "<!" not in request.json()["text"] and "@" not in request.json()["text"], request.json())
    got, _ = outcome("slack", "URL/x", {}, (200, b"no_service", {}))
    expect("failed", got, "no_service")
    got, _ = outcome("slack", "URL/x", {}, (404, b"no_team", {}))
    expect("failed", got, "no_team")
    got, request = outcome("mattermost", "URL/hooks/x", {}, (200, b"ok", {}), message="[click](//1.2.3.4/x) @all ![a](http://e.example/p.png)")
    expect("sent", got)
    text = request.json()["text"]
    check("\\[click\\]\\(" in text and "@" not in text and "e.example" not in text and "http://" not in text.replace(LINK, ""), text)
    got, _ = outcome("mattermost", "URL/hooks/x", {}, (200, {"status_code": 403, "message": "disabled"}, {}))
    expect("failed", got, "disabled")
    got, request = outcome("discord", "URL/api/webhooks/1/t", {}, (204, b"", {}))
    expect("sent", got)
    check_equal([], request.json()["allowed_mentions"]["parse"])
    got, _ = outcome("discord", "URL/x", {}, (429, {"message": "limited", "retry_after": 1.2}, {}))
    expect("later", got)
    check_equal(2, got.retry_after)
    got, _ = outcome("discord", "URL/x", {}, (404, {"message": "Unknown Webhook", "code": 10015}, {}))
    expect("failed", got, "Unknown Webhook")

    # WeCom, DingTalk, Feishu: errors come with 200
    got, request = outcome("wecom", "key-1", {"url": "URL"}, (200, {"errcode": 0, "errmsg": "ok"}, {}), message="\u5f20" * 166)
    expect("sent", got)
    check_equal("/cgi-bin/webhook/send?key=key-1", request.path)
    check(len(request.json()["text"]["content"].encode()) <= 2048 and LINK in request.json()["text"]["content"], "too long, or no link")
    got, _ = outcome("wecom", "k", {"url": "URL"}, (200, {"errcode": 93000, "errmsg": "invalid webhook url"}, {}))
    expect("failed", got, "93000")
    got, _ = outcome("wecom", "k", {"url": "URL"}, (200, {"errcode": 45009, "errmsg": "api freq out of limit"}, {}))
    expect("later", got, "45009")
    got, _ = outcome("wecom", "k", {"url": "URL"}, (200, b"<html>", {}))
    expect("failed", got)
    secret = secret_file(w, "secret", "SECxyz")
    got, request = outcome("dingtalk", "tok", {"url": "URL", "secret_file": secret}, (200, {"errcode": 0, "errmsg": "ok"}, {}))
    expect("sent", got)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)
    stamp = query["timestamp"][0]
    check_equal(base64.b64encode(hmac.digest(b"SECxyz", f"{stamp}\nSECxyz".encode(), hashlib.sha256)).decode(), query["sign"][0])
    check_equal(["tok"], query["access_token"])
    check_equal(13, len(stamp))
    got, _ = outcome("dingtalk", "tok", {"url": "URL"}, (200, {"errcode": 310000, "errmsg": "sign not match"}, {}))
    expect("failed", got, "sign not match")
    got, request = outcome("feishu", "id-1", {"url": "URL", "secret_file": secret}, (200, {"code": 0, "msg": "success"}, {}))
    expect("sent", got)
    body = request.json()
    check_equal(base64.b64encode(hmac.digest(f"{body['timestamp']}\nSECxyz".encode(), b"", hashlib.sha256)).decode(), body["sign"])
    check_equal("/open-apis/bot/v2/hook/id-1", request.path)
    got, _ = outcome("feishu", "id-1", {"url": "URL"}, (200, {"code": 19021, "msg": "sign match fail"}, {}))
    expect("failed", got, "19021")
    got, _ = outcome("feishu", "id-1", {"url": "URL"}, (200, {"code": 11232, "msg": "frequency limited"}, {}))
    expect("later", got)

    # Matrix: the transaction id makes repetition harmless; a direct room is made once
    got, request = outcome("matrix", "!room:example.org", {"url": "URL", "token_file": token}, (200, {"event_id": "$1"}, {}))
    expect("sent", got)
    check_equal(("PUT", f"/_matrix/client/v3/rooms/%21room%3Aexample.org/send/m.room.message/{NOTICE['id']}"), (request.method, request.path))
    got, _ = outcome("matrix", "!r:example.org", {"url": "URL", "token_file": token}, (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}, {}))
    expect("later", got)
    check_equal(3, got.retry_after)
    got, _ = outcome("matrix", "!r:example.org", {"url": "URL", "token_file": token}, (403, {"errcode": "M_FORBIDDEN", "error": "not in room"}, {}))
    expect("failed", got, "M_FORBIDDEN")
    with Capture((200, {"user_id": "@qrx:example.org"}, {}), (404, {"errcode": "M_NOT_FOUND"}, {}), (200, {"room_id": "!new:example.org"}, {}),
                 (200, {}, {}), (200, {"event_id": "$1"}, {})) as server, Helper({"matrix": {"url": server.url, "token_file": token}}) as helper:
        expect("sent", helper.send("matrix", "@bob:example.org"))
        check_equal(["GET", "GET", "POST", "PUT", "PUT"], [r.method for r in server.requests])
        check_equal(["@bob:example.org"], server.requests[2].json()["invite"])
        check_equal({"@bob:example.org": ["!new:example.org"]}, server.requests[3].json())

    # SMS through an API like Twilio's
    twilio = {"url": "URL", "user": "AC1", "password_file": token, "from": "+15550001111"}
    got, request = outcome("sms", "+8613800138000", twilio, (201, {"sid": "SM1", "status": "queued"}, {}))
    expect("sent", got)
    check_equal("/2010-04-01/Accounts/AC1/Messages.json", request.path)
    form = urllib.parse.parse_qs(request.body.decode())
    check_equal((["+8613800138000"], ["+15550001111"]), (form["To"], form["From"]))
    check(LINK in form["Body"][0] and len(form["Body"][0]) <= 160, form)
    check_equal("Basic " + base64.b64encode(b"AC1:123:abc_DEF").decode(), request.headers["Authorization"])
    got, _ = outcome("sms", "+1555123456", twilio, (400, {"code": 21211, "message": "The 'To' number is not valid"}, {}))
    expect("failed", got, "not valid")
    got, _ = outcome("sms", "+1555123456", twilio, (200, {"code": 1}, {}))
    expect("failed", got)

    # a plain webhook, signed so that libraries for Standard Webhooks understand it
    for written, key in (("whsec_" + base64.b64encode(b"0123456789abcdef").decode(), b"0123456789abcdef"), ("plain words", b"plain words")):
        secret = secret_file(w, "hook-secret", written)
        got, request = outcome("webhook", "URL/in?x=1", {"secret_file": secret}, (204, b"", {}), message="two\nlines")
        expect("sent", got)
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
        check_equal("v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode(), request.headers["webhook-signature"])
    body = request.json()
    check_equal((1, NOTICE["id"], "Alice", "two\nlines", LINK, "3 files, 12 MB"),
                (body["v"], body["id"], body["from"], body["message"], body["link"], body["summary"]))

    # what HTTP says of it
    for status, headers, state, wait in ((500, {}, "later", None), (503, {"Retry-After": "120"}, "later", 120), (429, {"Retry-After": "7"}, "later", 7),
                                         (504, {}, "unknown", None), (400, {}, "failed", None), (410, {}, "failed", None)):
        got, _ = outcome("webhook", "URL/x", {}, (status, b"<secret inside>", headers))
        expect(state, got)
        check_equal(wait, got.retry_after, f"Retry-After of {status}")
        check("inside" not in got.reason, f"the body of a hook's answer is nobody's to read: {got}")

    # no answer: nothing sent is later, anything sent is unknown; an answer without end takes no memory and no time
    got, _ = outcome("webhook", "URL/x", {}, lambda handler: handler.connection.close())
    expect("unknown", got)
    got, _ = outcome("webhook", "http://127.0.0.1:1/x", {})
    expect("later", got)

    def endless(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            pass

    got, _ = outcome("webhook", "URL/x", {}, endless)
    expect("sent", got)
