"""A TCP proxy on loopback that cuts, resets, stalls and freezes connections."""

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["close", "reset", "stall"]


@dataclass(frozen=True)
class Cut:
    """What happens to a connection once the server has sent that many bytes."""

    kind: Kind
    after_bytes: int


@dataclass
class Proxy:
    """port: where clients connect. next_cut: asked for each connection. is_frozen: new connections hang, too."""

    port: int
    target: int
    next_cut: Callable[[], Cut | None]
    is_frozen: bool = False
    connections: int = 0
    cuts: int = 0
    _open: list[socket.socket] = field(default_factory=list)
    _dead: set[int] = field(default_factory=set)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def freeze(self) -> None:
        """From now on nothing passes; connections stay open, and those of today never come back to life."""
        self.is_frozen = True
        self._dead.update(range(self.connections + 1))

    def thaw(self) -> None:
        """New connections work again."""
        self._dead.update(range(self.connections + 1))
        self.is_frozen = False

    def accept(self, listener: socket.socket) -> None:
        """Serve until stopped."""
        while not self._stopping.is_set():
            if not select.select([listener], [], [], 0.1)[0]:
                continue
            client, _ = listener.accept()
            self._open.append(client)
            self.connections += 1
            threading.Thread(target=self._pump, args=(self.connections, client, self.next_cut()), daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.close()

    def _pump(self, number: int, client: socket.socket, cut: Cut | None) -> None:
        try:
            if not self.is_frozen:
                with socket.create_connection(("127.0.0.1", self.target)) as server:
                    self._forward(number, client, server, cut)
        except (OSError, ValueError):
            pass  # one of the ends is gone
        if number not in self._dead and not self.is_frozen:
            client.close()

    def _forward(self, number: int, client: socket.socket, server: socket.socket, cut: Cut | None) -> None:
        passed = 0
        while not self._stopping.is_set():
            ready = select.select([client, server], [], [], 0.1)[0]
            if number in self._dead:
                return
            for source in ready:
                room = 65536 if cut is None else min(65536, max(1, cut.after_bytes - passed))
                data = source.recv(room if source is server else 65536)
                if not data:
                    return
                (client if source is server else server).sendall(data)
                passed += len(data) if source is server else 0
            if cut is not None and passed >= cut.after_bytes:
                self.cuts += 1
                self._end(number, client, cut.kind)
                return

    def _end(self, number: int, client: socket.socket, kind: Kind) -> None:
        if kind == "stall":
            self._dead.add(number)
            return
        if kind == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


@contextmanager
def run_proxy(target: int, next_cut: Callable[[], Cut | None] = lambda: None) -> Iterator[Proxy]:
    """A proxy for the server on port `target`, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(listener.getsockname()[1], target, next_cut)
        thread = threading.Thread(target=proxy.accept, args=(listener,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.stop()
            thread.join(timeout=5)
