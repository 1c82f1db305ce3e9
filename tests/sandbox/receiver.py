"""A webhook's receiver that keeps what it got and answers as it is told."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Got:
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))

    @property
    def is_dated(self) -> bool:
        return "webhook-id" in self.headers

    def is_signed_with(self, key: str) -> bool:
        """Either scheme, worked out here on its own."""
        if self.is_dated:
            stamp, given = self.headers["webhook-timestamp"], self.headers["webhook-signature"]
            signed = f"{self.headers['webhook-id']}.{stamp}.".encode() + self.raw
            return given == f"v1,{_made(key.removeprefix('whsec_'), signed)}"
        scheme, version, stamp, given = self.headers["openphone-signature"].split(";")
        signed = f"{stamp}.".encode() + self.raw
        return (scheme, version, given) == ("hmac", "1", _made(key, signed))


def _made(key: str, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(base64.b64decode(key), signed, "sha256")).decode()


@dataclass
class Receiver:
    url: str
    got: list[Got] = field(default_factory=list)
    # Answered first, one after the other; 200 afterwards.
    statuses: list[int] = field(default_factory=list)

    def types(self) -> list[str]:
        return [each.body["type"] for each in self.got]


@contextmanager
def listening() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Got(headers, raw))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hooks")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield receiver
        server.shutdown()
