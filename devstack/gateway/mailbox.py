"""Mails are not sent here but kept: at /mails for programs, at /mails/page for people."""

from __future__ import annotations

import html
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web

from devstack.gateway.keys import SETTINGS

HERE = ("127.0.0.1", "localhost")
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Local mails</title>
<style>body {{ font: 16px/1.5 sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }}
article {{ border-top: 1px solid #ccc; padding: 1rem 0 }} time {{ color: #666 }}
a {{ overflow-wrap: anywhere }}</style>
<h1>Local mails</h1><p>Newest first. None of them was sent.</p>{mails}</html>"""
ENTRY = "<article><time>{at}</time> to <b>{to}</b><h2>{subject}</h2>{html}</article>"


class Mailbox:
    """A file of JSON lines, so that a restart loses no mail."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, **mail: str) -> None:
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        line = json.dumps({"id": str(uuid4()), "at": at} | mail) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a") as file:
            file.write(line)

    def newest_first(self, to: str | None) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        mails = [json.loads(line) for line in self._path.read_text().splitlines()]
        return [mail for mail in reversed(mails) if to is None or mail["to"] == to.lower()]


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/mails", _list)
    router.add_get("/mails/page", _page)


def _asked_for(request: web.Request) -> list[dict[str, Any]]:
    # A name that somebody else's DNS points here must not read them.
    if request.url.host not in HERE:
        raise web.HTTPForbidden(reason="Mails are shown on this machine only")
    return Mailbox(request.app[SETTINGS].mails_file).newest_first(request.query.get("to"))


async def _list(request: web.Request) -> web.Response:
    if request.headers.get("Accept", "").startswith("text/html"):
        return await _page(request)
    return web.json_response(_asked_for(request), headers={"Cache-Control": "no-store"})


async def _page(request: web.Request) -> web.Response:
    entries = (
        ENTRY.format(
            at=mail["at"],
            to=html.escape(mail["to"]),
            subject=html.escape(mail["subject"]),
            html=mail["html"],
        )
        for mail in _asked_for(request)
    )
    return web.Response(
        text=PAGE.format(mails="".join(entries) or "<p>No mail yet.</p>"),
        content_type="text/html",
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        },
    )
