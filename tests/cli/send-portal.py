#!/usr/bin/python3
"""qrx-send --screen where only the desktop itself takes screenshots: by its portal on D-Bus. The portal is a stand-in."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

INTERFACE = """<node><interface name="org.freedesktop.portal.Screenshot"><method name="Screenshot">
<arg type="s" name="parent" direction="in"/><arg type="a{sv}" name="options" direction="in"/>
<arg type="o" name="handle" direction="out"/></method></interface></node>"""


def portal(picture, answer):
    """Answers each call with the response code, as the real one does: by a signal to who asked, once the call has returned."""
    from gi.repository import Gio, GLib

    def called(bus, sender, _path, _interface, _method, parameters, invocation):
        _parent, options = parameters.unpack()
        handle = f"/org/freedesktop/portal/desktop/request/{sender[1:].replace('.', '_')}/{options['handle_token']}"
        assert options["interactive"] is False
        invocation.return_value(GLib.Variant("(o)", (handle,)))
        results = {"uri": GLib.Variant("s", "file://" + picture)} if answer == 0 else {}
        bus.emit_signal(sender, handle, "org.freedesktop.portal.Request", "Response", GLib.Variant("(ua{sv})", (answer, results)))

    def ready(bus, _name):
        bus.register_object("/org/freedesktop/portal/desktop", Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0], called)

    Gio.bus_own_name(Gio.BusType.SESSION, "org.freedesktop.portal.Desktop", Gio.BusNameOwnerFlags.NONE, ready,
                     lambda *_: print("ready", flush=True), None)
    GLib.MainLoop().run()


def screen(w, *arguments, bus=True):
    """A run of qrx-send --screen on a desktop without any program for screenshots."""
    tools = w.path("no-tools")
    os.makedirs(tools, exist_ok=True)
    env = {"WAYLAND_DISPLAY": "wayland-9", "PATH": tools}
    if not bus:
        env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + w.path("no-bus")
    return w.tool("qrx-send", "--screen", *arguments, env=env)


def main():
    if sys.argv[1:2] == ["portal"]:
        return portal(sys.argv[2], int(sys.argv[3]))
    if "DBUS_SESSION_BUS_ADDRESS" not in os.environ or not os.environ.get("QRX_OWN_BUS"):
        os.environ["QRX_OWN_BUS"] = "1"
        os.execvp("dbus-run-session", ["dbus-run-session", "--", sys.executable, os.path.abspath(__file__)])
    with qrx.work() as w:
        server = w.server()
        space = server.space()
        small = w.file("small.bin", 10)
        picture = w.path("Screenshot from today.png")

        none = screen(w, small, bus=False)
        none.expect_exit(1)
        qrx.check("nothing was found that takes a screenshot" in none.err, none.err)

        def shown(answer):
            recv = w.tool("qrx-recv", "--json", "-s", server.url, "--qr-file", w.path("code.png"), "-o", w.path("got/"))
            recv.expect_event("space")
            os.rename(w.path("code.png"), picture)
            desktop = w.start(sys.executable, os.path.abspath(__file__), "portal", picture.replace(" ", "%20"), str(answer), name="portal")
            qrx.check_equal("ready", desktop.next_line(), "the portal")
            return recv, desktop

        recv, desktop = shown(0)
        sent = screen(w, "-v", small)
        sent.expect_exit(0)
        qrx.check("the screen, by the desktop" in sent.err, sent.err)
        recv.expect_event("saved")
        recv.expect_exit(0)
        qrx.check(not os.path.exists(picture), "the picture is left where others find it")
        desktop.kill()

        for answer, status, words in ((1, 4, "did not allow"), (2, 1, "nothing was found")):
            recv, desktop = shown(answer)
            sent = screen(w, small)
            sent.expect_exit(status)
            qrx.check(words in sent.err, sent.err)
            recv.kill()
            desktop.kill()
        qrx.check_equal({}, space.files(), "sent")


main()
