"""A TCP proxy before a server, for tests that look at what goes by or change it: its .url, and in the links that it is given to."""
import contextlib
import re
import socket
import struct
import threading

LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.IGNORECASE)


class Passing:
    """Passes on what comes, and tells seen() of each piece, of both ways. What is to be done otherwise is a subclass."""

    def __init__(self, server):
        host, port = server.bind.split(":")
        self.server = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = self.connect()
            for way in (self.requests, self.answers):
                threading.Thread(target=way, args=(client, server), daemon=True).start()

    def connect(self):
        return socket.create_connection(self.server)

    def requests(self, client, server):
        self.pump(client, server)

    def answers(self, client, server):
        self.pump(server, client)

    def pump(self, source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                self.seen(piece)
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def seen(self, piece):
        pass


class AnswersPassing(Passing):
    """The same, by whole answers: of each answer(head, length, take, client) says whether the connection goes on; take(n) reads so
    many bytes of its body at most, which has `length`. As it stands it passes all of it on."""
    resets = False  # the connection, as the system of a client that was killed does, in place of an end in order
    buffering = -1  # 0: nothing is read ahead of what is passed on

    def answers(self, client, server):
        try:
            with server.makefile("rb", buffering=self.buffering) as answers:
                while head := self.head_of(answers):
                    length = LENGTH.search(head)
                    if not self.answer(head, int(length.group(1)) if length else 0, answers.read, client):
                        return
        except OSError:
            pass
        finally:
            for side in (client, server):
                with contextlib.suppress(OSError):
                    if self.resets:
                        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    side.shutdown(socket.SHUT_RD if self.resets else socket.SHUT_RDWR)
                if self.resets:
                    side.close()

    @staticmethod
    def head_of(answers):
        head = line = answers.readline()
        while line not in (b"\r\n", b""):
            line = answers.readline()
            head += line
        return head

    def answer(self, head, length, take, client):
        client.sendall(head)
        while length > 0 and (piece := take(min(length, 65536))):
            length -= len(piece)
            client.sendall(piece)
        return True
