"""A real HTTP server on loopback that misbehaves on request; keeps what it was asked."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class WebServer:
    """pages: path -> bytes (200), status code, or address to redirect to. asked: (path, user agent) in order."""

    pages: dict[str, bytes | int | str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@contextmanager
def run_web() -> Iterator[WebServer]:
    state = WebServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            state.asked.append((self.path, self.headers.get("User-Agent", "")))
            answer = state.pages.get(self.path, 404)
            if answer == b"cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"short")
                self.close_connection = True
                return
            if answer == b"drip":
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    for _ in range(40):
                        self.wfile.write(b"x")
                        time.sleep(0.05)
                self.close_connection = True
                return
            body = answer if isinstance(answer, bytes) else b""
            self.send_response(200 if isinstance(answer, bytes) else 302 if isinstance(answer, str) else answer)
            if isinstance(answer, str):
                self.send_header("Location", answer)
            kind = "text/html; charset=utf-8" if b"<html" in body[:200] else "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *arguments):
            return

    class Server(ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            """The other side went away, as some tests want it to."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
