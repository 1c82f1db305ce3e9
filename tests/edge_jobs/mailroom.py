"""Stands where Supabase stands; only Auth's mails are played, so that they can be refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

PASSED_ON = ("apikey", "authorization", "content-type", "accept", "prefer")


class Mailroom:
    def __init__(self, supabase_url: str) -> None:
        self.asked: list[dict[str, Any]] = []
        # What Auth answers, first to last; afterwards all is well.
        self.answers: list[tuple[int, dict[str, Any]]] = []
        # What SQL functions answer that cannot be asked here, by name.
        self.played: dict[str, Any] = {}
        # What happens while Auth sends a mail.
        self.meanwhile: Callable[[], Any] = lambda: None
        self.http = httpx.Client(base_url=supabase_url)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        room = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                played = self.path.startswith("/auth/v1/")
                status, said = (room.mail if played else room.forward)(self, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST

            def log_message(self, *words: Any) -> None:
                """Says nothing on the terminal."""

        return Handler

    def mail(self, asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        at = urlsplit(asked.path)
        link = parse_qs(at.query)["redirect_to"][0]
        key = asked.headers["Authorization"]
        self.asked.append({"path": at.path, "link": link, "key": key, **json.loads(body)})
        self.meanwhile()
        status, said = self.answers.pop(0) if self.answers else (200, {})
        return status, json.dumps(said).encode()

    def forward(self, asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        name = asked.path.rpartition("/")[2]
        if name in self.played:
            return 200, json.dumps(self.played[name]).encode()
        headers = {name: asked.headers[name] for name in PASSED_ON if name in asked.headers}
        answer = self.http.request(asked.command, asked.path, content=body, headers=headers)
        return answer.status_code, answer.content


@contextmanager
def open_mailroom(supabase_url: str) -> Iterator[Mailroom]:
    room = Mailroom(supabase_url)
    thread = threading.Thread(target=room.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield room
    finally:
        room.server.shutdown()
        room.server.server_close()
        thread.join()
        room.http.close()
