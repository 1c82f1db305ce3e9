"""The page on which one plays the customer by hand."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"),
        *("img-src 'self' data:", "media-src 'self'", "frame-ancestors 'none'"),
        *("base-uri 'none'", "form-action 'none'"),
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/", index)
    router.add_get("/page/{name:[a-z]+\\.(?:css|js)}", part)


async def index(_request: web.Request) -> web.Response:
    return _file("index.html")


async def part(request: web.Request) -> web.Response:
    return _file(request.match_info["name"])


def _file(name: str) -> web.Response:
    path = FOLDER / name
    if not path.exists():
        raise web.HTTPNotFound
    return web.Response(
        text=path.read_text(), content_type=TYPES[path.suffix], charset="utf-8", headers=HEADERS
    )
