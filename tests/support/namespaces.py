"""Mounts and networks of a test's own, which nobody outside sees."""
import os
import shutil
import sys

import qrx

INSIDE = "QRX_TEST_INSIDE_NAMESPACE"


def enter(kind, make, refusal, each_time=False):
    """Starts the script anew in a namespace of its own (unshare --KIND), for somebody else than root by a user namespace; skips it
    where `make`, a shell command, does not succeed in there. With each_time it is also run before the script."""
    if os.environ.get(INSIDE):
        return
    unshare = shutil.which("unshare") or qrx.skip("there is no unshare")
    flags = [f"--{kind}"] if os.getuid() == 0 else [f"--{kind}", "--user", "--map-root-user"]
    if os.spawnv(os.P_WAIT, unshare, [unshare, *flags, "sh", "-c", make]) != 0:
        qrx.skip(refusal)
    os.environ[INSIDE] = "1"
    before = make + " && " if each_time else ""
    os.execv(unshare, [unshare, *flags, "sh", "-c", before + 'exec "$0" "$1"', sys.executable, os.path.abspath(sys.argv[0])])


def enter_mounts():
    enter("mount", "mount -t tmpfs none /mnt", "no mounts may be made here")


def enter_network(*addresses):
    """Where this machine has all of these addresses."""
    make = "ip link set lo up" + "".join(f" && ip address add {one}/32 dev lo" for one in addresses)
    enter("net", make, "no network may be made here", each_time=True)


def tmpfs(path, options):
    os.mkdir(path)
    if os.spawnlp(os.P_WAIT, "mount", "mount", "-t", "tmpfs", "-o", options, "none", path) != 0:
        qrx.skip("no tmpfs may be mounted here")
