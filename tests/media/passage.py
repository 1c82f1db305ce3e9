"""Stands where Supabase stands and lets everything through, but for what a test does in between."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests import passage

BEFORE, AFTER = "before", "after"


class Passage(passage.Passage):
    def __init__(self, supabase_url: str) -> None:
        super().__init__(supabase_url)
        self.asked: list[str] = []
        # Called with the request's number from 0 on, before it is passed on and after that; with
        # True for an answer it is not passed on.
        self.meanwhile: Callable[[int, str], Any] = lambda number, when: None
        # What is answered in Supabase's place, by the beginning of a path.
        self.away: dict[str, int] = {}

    def answer(self, asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        number = len(self.asked)
        self.asked.append(asked.path.rpartition("/")[2])
        for beginning, status in self.away.items():
            if asked.path.startswith(beginning):
                return status, b"{}"
        if self.meanwhile(number, BEFORE):
            return 503, b"{}"
        found = super().answer(asked, body)
        self.meanwhile(number, AFTER)
        return found
