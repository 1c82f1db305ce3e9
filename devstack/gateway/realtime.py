"""/realtime/v1: the websocket, and broadcasts sent by HTTP."""

from __future__ import annotations

from aiohttp import web

from devstack.gateway import realtime_http, realtime_socket

PREFIX = "/realtime/v1"


def prepare(app: web.Application) -> None:
    app[realtime_socket.OPEN] = set()
    app.on_shutdown.append(realtime_socket.close_all)


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get(f"{PREFIX}/websocket", realtime_socket.serve)
    router.add_post(f"{PREFIX}/api/broadcast", realtime_http.broadcast_batch)
    router.add_post(
        f"{PREFIX}/api/broadcast/{{topic}}/events/{{event}}", realtime_http.broadcast_one
    )
