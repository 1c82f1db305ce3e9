"""Stands where Supabase stands and lets everything through, but for what a test does in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

PASSED_ON = ("apikey", "authorization", "content-type", "accept", "prefer")
BEFORE, AFTER = "before", "after"


class Passage:
    def __init__(self, supabase_url: str) -> None:
        self.asked: list[str] = []
        # Called with the request's number from 0 on, before it is passed on and after that; with
        # True for an answer it is not passed on.
        self.meanwhile: Callable[[int, str], Any] = lambda number, when: None
        # What is answered in Supabase's place, by the beginning of a path.
        self.away: dict[str, int] = {}
        self.http = httpx.Client(base_url=supabase_url)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        passage = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, said = passage.forward(self, body)
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

    def forward(self, asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        number = len(self.asked)
        self.asked.append(asked.path.rpartition("/")[2])
        for beginning, status in self.away.items():
            if asked.path.startswith(beginning):
                return status, b"{}"
        if self.meanwhile(number, BEFORE):
            return 503, b"{}"
        headers = {name: asked.headers[name] for name in PASSED_ON if name in asked.headers}
        answer = self.http.request(asked.command, asked.path, content=body, headers=headers)
        self.meanwhile(number, AFTER)
        return answer.status_code, answer.content


@contextmanager
def open_passage(supabase_url: str) -> Iterator[Passage]:
    passage = Passage(supabase_url)
    thread = threading.Thread(target=passage.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield passage
    finally:
        passage.server.shutdown()
        passage.server.server_close()
        thread.join()
        passage.http.close()
