#!/usr/bin/python3
"""A socket from systemd is taken over instead of the server's own address; meant for another process, it is left alone."""
import fcntl
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def start(work, listener, pid, name):
    """qrx-serve with the listener as its descriptor 3, as sd_listen_fds(3) has it; gives the process and its base URL."""
    high = fcntl.fcntl(listener.fileno(), fcntl.F_DUPFD, 20)
    script = f'LISTEN_PID={pid} LISTEN_FDS=1 LISTEN_FDNAMES=http exec "$0" "$@" 3<&{high} {high}<&-'
    command = ["bash", "-c", script, os.path.join(qrx.BIN, "qrx-serve"), "-b", "127.0.0.1:0", "-D", work.path(name)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=[high], text=True)
    os.close(high)
    return server, server.stdout.readline().strip()


def stop(server):
    server.send_signal(signal.SIGTERM)
    qrx.check_equal(0, server.wait(timeout=15), "exit status")


def main():
    with qrx.work() as work, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server, url = start(work, listener, "$$", "taken")
        try:
            qrx.check(f":{port}" in url, f"the base URL is {url}, the socket handed over has port {port}")
            qrx.check_equal(200, qrx.request("GET", f"http://127.0.0.1:{port}/healthz").status, "healthz on the socket handed over")
        finally:
            stop(server)
        # The socket is still systemd's: who connects between two runs of the server waits for the next one.
        with socket.create_connection(("127.0.0.1", port), timeout=10) as early:
            early.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            server, url = start(work, listener, "$$", "again")
            try:
                qrx.check(early.recv(65536).startswith(b"HTTP/1.1 200"), "a client that came before the server was not served")
            finally:
                stop(server)
        server, url = start(work, listener, "1", "other")
        try:
            qrx.check(f":{port}" not in url, "a socket meant for another process was taken")
            qrx.check_equal(200, qrx.request("GET", url.rstrip("/") + "/healthz").status, "healthz on its own address")
        finally:
            stop(server)


if __name__ == "__main__":
    main()
