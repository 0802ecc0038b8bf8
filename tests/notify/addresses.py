#!/usr/bin/python3
"""Hooks go to public addresses only, decided by the address that is connected to: names, odd spellings and redirects change
nothing; what the operator lists is open; the operator's own addresses are allowed."""
from notices import Capture, Helper, certificate
from qrx import check, check_equal, work


def expect(state, got, reason=""):
    check(got.state == state and reason in got.reason, f"expected {state} with '{reason}', got {got}")


with work() as w, Capture() as hook:
    port = hook.port
    with Helper({"webhook": {}, "slack": {}, "mattermost": {}, "discord": {}}) as helper:
        for channel in ("webhook", "slack", "mattermost", "discord"):
            expect("failed", helper.send(channel, f"http://127.0.0.1:{port}/"), "refused")
        for host in ("localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
                     "127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]",
                     "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255"):
            got = helper.send("webhook", f"http://{host}:{port}/")
            # a spelling that is no host name for us is refused before
            check(got.state == "failed" and ("refused" in got.reason or "malformed" in got.reason), f"{host}: {got}")
            got = helper.send("webhook", f"https://{host}:{port}/")
            check(got.state == "failed", f"https {host}: {got}")
    check_equal([], hook.requests, "requests that came all the same")

    # a name that this machine resolves to 127.0.0.1, as an attacker's zone could
    with Helper({"webhook": {"hosts": "localhost"}}) as helper:
        expect("failed", helper.send("webhook", f"http://localhost:{port}/"), "refused")
    check_equal([], hook.requests, "requests that came all the same")

    # a proxy of the environment would connect for us
    with Helper({"webhook": {}}, env={"http_proxy": hook.url, "https_proxy": hook.url, "all_proxy": hook.url}) as helper:
        expect("failed", helper.send("webhook", f"http://127.0.0.1:{port}/"), "refused")
        expect("failed", helper.send("webhook", f"https://169.254.169.254:{port}/"), "refused")
    check_equal([], hook.requests, "requests that a proxy got")

    # listed networks, and only those
    with Helper({"webhook": {}}, networks=["127.0.0.0/30"]) as helper:
        expect("sent", helper.send("webhook", f"http://127.0.0.1:{port}/"))
        expect("failed", helper.send("webhook", f"http://127.0.0.5:{port}/"), "refused")
        expect("failed", helper.send("webhook", f"http://[::1]:{port}/"), "refused")
    check_equal(1, len(hook.requests))
    with Helper({"webhook": {"hosts": "hooks.example.org"}}, allow_private=True) as helper:
        expect("failed", helper.send("webhook", f"http://127.0.0.1:{port}/"), "not allowed")
        expect("failed", helper.send("webhook", f"http://127.0.0.1:{port}/?x=hooks.example.org"), "not allowed")
    check_equal(1, len(hook.requests))

    # redirects are not followed, to wherever
    with Capture() as inside, Helper({"webhook": {}}, allow_private=True) as helper:
        for status in (301, 302, 303, 307, 308):
            with Capture((status, b"", {"Location": inside.url + "/"})) as outside:
                expect("failed", helper.send("webhook", outside.url + "/x"), "redirects")
                check_equal(1, len(outside.requests))
        check_equal([], inside.requests, "requests by way of a redirect")

    # the operator's own address is not asked about, and is verified
    with Helper({"wecom": {"url": hook.url}}) as helper:
        hook.answers = [(200, {"errcode": 0}, {})]
        expect("sent", helper.send("wecom", "key"))
    pair = certificate(w, "127.0.0.1", "localhost")
    with Capture((200, {"errcode": 0}, {}), tls=pair) as secure:
        with Helper({"wecom": {"url": secure.url}}) as helper:
            expect("failed", helper.send("wecom", "key"), "certificate")
        check_equal([], secure.requests)
        with Helper({"wecom": {"url": secure.url, "ca_file": pair[0]}}) as helper:
            expect("sent", helper.send("wecom", "key"))
    other = certificate(w, "other.example")
    with Capture((200, {"errcode": 0}, {}), tls=other) as secure, Helper({"wecom": {"url": secure.url, "ca_file": other[0]}}) as helper:
        expect("failed", helper.send("wecom", "key"), "certificate")
