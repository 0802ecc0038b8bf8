"""PostgreSQL servers that stand in for each other: a primary, whose commits wait for a standby, and that standby, which becomes the
primary. The first is that of postgresql.sh, which also ends them: QRX_PG_HOME is its directory.

    pair = Pair()                          # the first server alone
    pair.catalog("qrx")                    # the address of that database at whichever of both is the primary
    pair.replicate()                       # the other as a standby that every commit waits for
    pair.halt_replication(); pair.kill_primary(); pair.promote()      # the standby is now pair.primary
    pair.end()
"""
import glob
import os
import shutil
import signal
import subprocess

import qrx

PROGRAMS = (sorted(glob.glob("/usr/lib/postgresql/*/bin")) or ["/nowhere"])[-1]


def run(program, *arguments):
    """As the user of the package's processes, for PostgreSQL refuses to run as root."""
    as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run([*as_other, os.path.join(PROGRAMS, program), *arguments], cwd="/", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    qrx.check_equal(0, done.returncode, f"{program} {arguments}: {done.stdout}")


def children(pid):
    found = []
    for directory in glob.glob("/proc/[0-9]*"):
        try:
            with open(directory + "/stat", "rb") as file:
                if int(file.read().rsplit(b")", 1)[1].split()[1]) == pid:
                    found.append(int(os.path.basename(directory)))
        except (OSError, ValueError):
            continue
    return found


class Server:
    def __init__(self, data, socket):
        self.data, self.socket = data, socket

    @property
    def pid(self):
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as file:
            return int(file.readline())

    def start(self):
        run("pg_ctl", "-D", self.data, "-l", self.socket + "/log", "-w", "-t", "60", "-o", f"-k {self.socket}", "start")

    def sql(self, statement, database="postgres"):
        done = subprocess.run(["psql", "-AtqX", f"host={self.socket} user=postgres dbname={database}", "-c", statement],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        qrx.check_equal(0, done.returncode, f"{statement}: {done.stderr}")
        return done.stdout.strip()

    def kill(self):
        """All its processes: what a machine does that loses its power."""
        postmaster = self.pid
        os.kill(postmaster, signal.SIGKILL)
        for pid in children(postmaster) + children_of_nobody(self.data):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


def children_of_nobody(data):
    """What is left of a server whose first process is gone: it stands in the directory of the data."""
    found = []
    for directory in glob.glob("/proc/[0-9]*"):
        try:
            if os.readlink(directory + "/cwd") == data:
                found.append(int(os.path.basename(directory)))
        except OSError:
            continue
    return found


class Pair:
    def __init__(self):
        self.home = os.environ["QRX_PG_HOME"]
        self.primary = Server(self.home + "/data", self.home + "/socket")
        self.standby = Server(self.home + "/data2", self.home + "/socket2")
        self.halted = None

    def catalog(self, database):
        return f"postgresql://postgres@/{database}?host={self.home}/socket,{self.home}/socket2&target_session_attrs=read-write"

    def replicate(self):
        for directory, mode in ((self.standby.data, 0o700), (self.standby.socket, 0o755)):
            shutil.rmtree(directory, ignore_errors=True)
            os.mkdir(directory, mode)
            if os.geteuid() == 0:
                shutil.chown(directory, "postgres", "postgres")
        run("pg_basebackup", "-d", f"host={self.primary.socket} user=postgres", "-D", self.standby.data, "-R", "-X", "stream",
            "-c", "fast", "--no-sync")
        # It has nobody to wait for when it is the primary.
        with open(self.standby.data + "/postgresql.auto.conf", "a", encoding="ascii") as file:
            file.write("synchronous_standby_names = ''\n")
        self.standby.start()
        self.primary.sql("ALTER SYSTEM SET synchronous_standby_names='*'")
        self.primary.sql("SELECT pg_reload_conf()")
        qrx.wait_for(30, lambda: self.primary.sql("SELECT sync_state FROM pg_stat_replication") == "sync", "a synchronous standby")

    def halt_replication(self):
        """From here on no commit is answered; the standby goes on when it is promoted."""
        def receiver():
            for pid in children(self.standby.pid):
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if b"walreceiver" in file.read():
                        return pid
            return None
        self.halted = qrx.wait_for(10, receiver, "the receiver of the log")
        os.kill(self.halted, signal.SIGSTOP)

    def kill_primary(self):
        self.primary.kill()

    def stop_primary(self):
        run("pg_ctl", "-D", self.primary.data, "-m", "fast", "-w", "stop")

    def promote(self):
        if self.halted:
            os.kill(self.halted, signal.SIGCONT)
            self.halted = None
        run("pg_ctl", "-D", self.standby.data, "-w", "-t", "60", "promote")
        self.primary, self.standby = self.standby, self.primary

    def end(self):
        for server in (self.primary, self.standby):
            try:
                server.kill()
            except OSError:
                pass
