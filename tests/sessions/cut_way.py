"""A way to a server on this machine that can be cut, for one of those who go it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Way:
    """Use it as a context; `port` leads to `to`, another port of this machine."""

    def __init__(self, to: int):
        self._to, self._open = to, True
        self._connections: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]

    def set(self, is_open: bool) -> None:
        """Cut, what is connected is cut off, and nobody gets through."""
        self._open = is_open
        while not is_open and self._connections:
            end = self._connections.pop()
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _let_in(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                if not self._open:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._to))
                self._connections += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()

    def __enter__(self) -> Way:
        threading.Thread(target=self._let_in, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.set(False)
        self._door.close()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while content := one.recv(1 << 16):
            other.sendall(content)
