"""Stands where Supabase stands and passes on what is asked, but for what a test does in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx

PASSED_ON = ("apikey", "authorization", "content-type", "accept", "prefer")


class Passage:
    def __init__(self, supabase_url: str) -> None:
        self.http = httpx.Client(base_url=supabase_url)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @contextmanager
    def open(self) -> Iterator[Self]:
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()
            self.http.close()

    def answer(self, asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        """The status and the body. As Supabase does it, where nobody knows better."""
        headers = {name: asked.headers[name] for name in PASSED_ON if name in asked.headers}
        found = self.http.request(asked.command, asked.path, content=body, headers=headers)
        return found.status_code, found.content

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        passage = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, said = passage.answer(self, body)
                with suppress(OSError):  # who asked may be dead
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(said)))
                    self.end_headers()
                    self.wfile.write(said)

            do_GET = do_POST

            def log_message(self, *words: Any) -> None:
                """Says nothing on the terminal."""

        return Handler
