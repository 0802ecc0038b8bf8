"""What running processes have used: CPU seconds and memory."""
import os
import re
import resource
import threading

TICKS = os.sysconf("SC_CLK_TCK")


def processes(pid):
    """A process and its children."""
    found = [pid]
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            for child in file.read().split():
                found += processes(int(child))
    except OSError:
        pass
    return found


def cpu_seconds(pid):
    total = 0
    for one in processes(pid):
        try:
            with open(f"/proc/{one}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            total += sum(int(field) for field in fields[11:15])  # with children that ended
        except OSError:
            pass
    return total / TICKS


def status_field(pid, name):
    """A field of /proc/PID/status, summed over the process and its children; KiB for memory."""
    total = 0
    for one in processes(pid):
        try:
            with open(f"/proc/{one}/status", encoding="ascii", errors="replace") as file:
                match = re.search(rf"^{name}:\s+(\d+)", file.read(), re.M)
            total += int(match[1]) if match else 0
        except OSError:
            pass
    return total


def children_cpu():
    """CPU seconds of all processes that this one has started and that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class PeakMemory:
    """The largest VmHWM seen of running processes (each a name and a pid): a tool that ended tells nothing any more."""

    def __init__(self, pids):
        self.pids, self.peak, self.stop = pids, dict.fromkeys(pids, 0), threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        while not self.stop.wait(0.02):
            for name, pid in self.pids.items():
                for one in processes(pid)[:1]:
                    try:
                        with open(f"/proc/{one}/status", encoding="ascii", errors="replace") as file:
                            match = re.search(r"^VmHWM:\s+(\d+)", file.read(), re.M)
                        if match:
                            self.peak[name] = max(self.peak[name], int(match[1]))
                    except OSError:
                        pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
