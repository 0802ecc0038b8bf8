#!/usr/bin/python3
"""qrx-send --to, --save-as, --forget: links by name; one that changed is refused until its words are confirmed."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
import sharing  # noqa: E402


def send(*arguments, status=0, stdin=subprocess.DEVNULL):
    done = subprocess.run([os.path.join(qrx.BIN, "qrx-send"), *arguments], stdin=stdin, capture_output=True, text=True, check=False, timeout=60)
    qrx.check_equal(status, done.returncode, f"qrx-send {arguments}: {done.stdout} {done.stderr}")
    return done


def words_of(w, link, file):
    done = send("-v", "-l", link, file)
    return next(line.split()[-1] for line in done.stderr.splitlines() if line.startswith("words: "))


def main():
    with qrx.work() as w:
        server = w.server()
        space, other = server.space(label="Anna"), server.space()
        a = w.file("a.txt", 100)

        # learned without sending
        said = send("--save-as", "anna", "-l", space.drop)
        qrx.check("saved as anna" in said.stderr and "--to anna" in said.stderr, said.stderr)
        qrx.check_equal({}, space.files(), "sent")
        send("--to", "anna", a)
        qrx.check_equal(["a.txt"], list(space.files()), "sent by name")
        state = os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "to", "anna.json")
        qrx.check_equal(0o600, os.stat(state).st_mode & 0o777, "mode")

        # and while sending: only once the server knows the link
        gone = server.space()
        qrx.check_equal(204, qrx.request("DELETE", gone.api_url, headers=gone.auth).status, "delete")
        send("--save-as", "bob", "-l", gone.drop, a, status=5)
        send("--to", "bob", a, status=2)
        send("--save-as", "bob", "-l", other.drop, a)
        qrx.check_equal(["a.txt"], list(other.files()), "sent")

        # another link under the same name: refused, as ssh does, before anything is sent
        words = words_of(w, other.drop, a)
        before = len(other.state()["deliveries"])
        refused = send("--save-as", "anna", "-l", other.drop, a, status=6)
        qrx.check("has changed" in refused.stderr and words in refused.stderr, refused.stderr)
        send("--save-as", "anna", "-l", other.drop, "--expect", "one two three four", a, status=6)
        qrx.check_equal(before, len(other.state()["deliveries"]), "deliveries")
        send("--to", "anna", a)
        qrx.check_equal(2, len(space.state()["deliveries"]), "still the old one")
        send("--save-as", "anna", "-l", other.drop, "--expect", words)
        send("--to", "anna", a)
        qrx.check_equal(before + 1, len(other.state()["deliveries"]), "the new one")

        # the configuration file
        sharing.configure(f'[to.carl]\nlink = "{space.drop}"\n[to."d.e"]\nlink = "{space.drop}"\nwords = "one two three four"\n[to.bad]\nlink = "hello"\n[to.worse]\nurl = "x"\n')
        send("--to", "carl", "--text", "hello")
        qrx.check_equal("hello", space.state()["deliveries"][-1]["message"], "a text")
        refused = send("--to", "d.e", a, status=6)
        qrx.check("do not match" in refused.stderr, refused.stderr)
        qrx.check("[to.bad] link:" in send("--to", "bad", a, status=2).stderr, "bad")
        qrx.check("unknown key: url" in send("--to", "worse", a, status=2).stderr, "worse")
        send("--save-as", "carl", "-l", other.drop, a, status=9)
        send("--save-as", "carl", "-l", space.drop)

        # wrong use
        qrx.check("did you mean anna?" in send("--to", "ana", a, status=2).stderr, "a slip")
        qrx.check("known: " in send("--to", "somebody", a, status=2).stderr, "others")
        send("--to", "../anna", a, status=2)
        send("--to", "anna", "-l", space.drop, a, status=2)
        send("--to", "anna", "--save-as", "x", a, status=2)
        send("--save-as", "x", "--scan-only", "-l", space.drop, status=2)
        qrx.check("forgotten: anna" in send("--forget", "anna").stderr, "forgotten")
        send("--to", "anna", a, status=2)
        send("--forget", "anna", status=5)


main()
