"""A host that files are fetched from, with switchable faults."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    # Content-Length is stated, and more is promised than comes.
    promised: int | None = None
    # Pieces, sent without a length.
    pieces: Iterator[bytes] | None = None
    before: Callable[[], Any] | None = None


class Shop:
    def __init__(self) -> None:
        self.shelf: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def put(self, path: str, content: bytes = b"", **more: Any) -> str:
        """The address the file can be fetched from."""
        self.shelf[path] = Answer(content, **more)
        return f"{self.url}{path}"

    def times(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.asked)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                shop.asked.append((path, dict(self.headers)))
                answer = shop.shelf.get(path, Answer(status=404))
                if answer.before:
                    answer.before()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.pieces is None:
                    self.send_header("Content-Length", str(answer.promised or len(answer.content)))
                self.end_headers()
                # Whoever has read enough of it hangs up.
                with suppress(ConnectionError):
                    for piece in answer.pieces or (answer.content,):
                        self.wfile.write(piece)

            def log_message(self, *words: Any) -> None:
                """Says nothing on the terminal."""

        return Handler


@contextmanager
def open_shop() -> Iterator[Shop]:
    shop = Shop()
    thread = threading.Thread(target=shop.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shop
    finally:
        shop.server.shutdown()
        shop.server.server_close()
        thread.join()
