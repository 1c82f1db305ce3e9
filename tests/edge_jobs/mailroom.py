"""Stands where Supabase stands; only Auth's mails are played, so that they can be refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.passage import Passage


class Mailroom(Passage):
    def __init__(self, supabase_url: str) -> None:
        super().__init__(supabase_url)
        self.asked: list[dict[str, Any]] = []
        # What Auth answers, first to last; afterwards all is well.
        self.answers: list[tuple[int, dict[str, Any]]] = []
        # What SQL functions answer that cannot be asked here, by name.
        self.played: dict[str, Any] = {}
        # What happens while Auth sends a mail.
        self.meanwhile: Callable[[], Any] = lambda: None

    def answer(self, asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        if asked.path.startswith("/auth/v1/"):
            return self.mail(asked, body)
        name = asked.path.rpartition("/")[2]
        if name in self.played:
            return 200, json.dumps(self.played[name]).encode()
        return super().answer(asked, body)

    def mail(self, asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        at = urlsplit(asked.path)
        link = parse_qs(at.query)["redirect_to"][0]
        key = asked.headers["Authorization"]
        self.asked.append({"path": at.path, "link": link, "key": key, **json.loads(body)})
        self.meanwhile()
        status, said = self.answers.pop(0) if self.answers else (200, {})
        return status, json.dumps(said).encode()
