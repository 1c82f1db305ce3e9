"""Files with signed addresses that expire: pictures of texts, recordings of calls."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(slots=True)
class File:
    """`make` gives the content when somebody asks for it: most are never asked for."""

    content_type: str
    make: Callable[[], bytes]
    name: str = "file"
    id: str = field(default_factory=lambda: secrets.token_hex(12))


Url = Callable[[File], str]


class Files:
    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self._key = secrets.token_bytes(32)
        self.all: dict[str, File] = {}

    def add(self, file: File) -> File:
        self.all[file.id] = file
        return file

    def url(self, file: File, ttl_s: float) -> str:
        expires = str(int(time.time() + ttl_s))
        return f"{self._public_url}/files/{file.id}?expires={expires}&s={self._sign(file, expires)}"

    def expire_all(self) -> None:
        """Every address given so far answers 403; new ones work."""
        self._key = secrets.token_bytes(32)

    async def serve(self, request: web.Request) -> web.Response:
        file = self.all.get(request.match_info["id"])
        if file is None:
            raise web.HTTPNotFound
        expires, given = request.query.get("expires", ""), request.query.get("s", "")
        signed = hmac.compare_digest(given.encode(), self._sign(file, expires).encode())
        if not signed or int(expires) < time.time():
            return web.Response(status=403, text="Request has expired", content_type="text/plain")
        return web.Response(body=file.make(), headers={"Content-Type": file.content_type})

    def _sign(self, file: File, expires: str) -> str:
        return hmac.new(self._key, f"{file.id}.{expires}".encode(), "sha256").hexdigest()[:32]
