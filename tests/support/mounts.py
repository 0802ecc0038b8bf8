"""Mounts of a test's own, which nobody outside sees."""
import os
import shutil
import sys

import qrx

INSIDE = "QRX_TEST_INSIDE_MOUNTS"


def enter_namespace():
    """Starts the script anew in a namespace of its own; for somebody else than root by a user namespace."""
    if os.environ.get(INSIDE):
        return
    unshare = shutil.which("unshare") or qrx.skip("there is no unshare")
    flags = ["--mount"] if os.getuid() == 0 else ["--mount", "--user", "--map-root-user"]
    if os.spawnv(os.P_WAIT, unshare, [unshare, *flags, "sh", "-c", "mount -t tmpfs none /mnt"]) != 0:
        qrx.skip("no mounts may be made here")
    os.environ[INSIDE] = "1"
    os.execv(unshare, [unshare, *flags, sys.executable, os.path.abspath(sys.argv[0])])


def tmpfs(path, options):
    os.mkdir(path)
    if os.spawnlp(os.P_WAIT, "mount", "mount", "-t", "tmpfs", "-o", options, "none", path) != 0:
        qrx.skip("no tmpfs may be mounted here")
