"""How a test script says that something is wrong, or not to be had here. For scripts by qrx.py, which has all of it."""
import sys
import time


class Failed(Exception):
    pass


def fail(text):
    raise Failed(text)


def check(condition, text):
    if not condition:
        fail(text)


def check_equal(want, got, about="value"):
    if want != got:
        fail(f"{about}: expected {want!r}, got {got!r}")


def skip(text):
    print(text)
    sys.exit(77)


def wait_for(seconds, condition, about="condition"):
    """Asks condition() again until it gives something true, and gives that; fails after so many seconds."""
    limit = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > limit:
            fail(f"not in {seconds} s: {about}")
        time.sleep(0.01)
