"""The application: every stand-in behind one address."""

from __future__ import annotations

from aiohttp import web

from sandbox.settings import Settings


def build(settings: Settings) -> web.Application:
    app = web.Application()
    app.router.add_get("/_control/health", _health)
    return app


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
