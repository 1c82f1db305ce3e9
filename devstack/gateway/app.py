"""Puts the parts together: routes, keys, CORS, and one answer for a database that is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import psycopg
from aiohttp import web

from devstack.gateway import auth, mailbox, realtime, rest, storage
from devstack.gateway.callers import refusal
from devstack.gateway.database import Database, is_down
from devstack.gateway.keys import DATABASE, HUB, POSTGREST, SETTINGS
from devstack.gateway.realtime_hub import Hub
from devstack.gateway.realtime_listen import follow_messages
from devstack.gateway.settings import Settings
from devstack.gateway.storage_files import sweep

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOG = logging.getLogger("gateway")
ALLOWED_METHODS = "GET, HEAD, PUT, PATCH, POST, DELETE, OPTIONS"
EXPOSED = (
    "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server,"
    " Transfer-Encoding, Range-Unit, X-Total-Count, Link, X-Supabase-Api-Version,"
    " Preference-Applied"
)


def build(settings: Settings) -> web.Application:
    app = web.Application(middlewares=[_answer_errors, _check_key], client_max_size=8 << 20)
    app[SETTINGS] = settings
    app[DATABASE] = Database(settings.database_url)
    app[HUB] = Hub()
    app.router.add_get("/health", _health)
    app.router.add_route("*", "/rest/v1", rest.forward)
    app.router.add_route("*", "/rest/v1/{rest:.*}", rest.forward)
    for part in (auth, storage, realtime, mailbox):
        part.add_routes(app.router)
    realtime.prepare(app)
    app.on_response_prepare.append(_allow_browsers)
    app.cleanup_ctx.append(_connections)
    return app


async def _connections(app: web.Application) -> AsyncIterator[None]:
    app[POSTGREST] = rest.new_session()
    sweep(app[SETTINGS].storage_dir)
    await app[DATABASE].open()
    listener = asyncio.create_task(follow_messages(app[SETTINGS].database_url, app[HUB]))
    yield
    listener.cancel()
    with suppress(asyncio.CancelledError):
        await listener
    await app[POSTGREST].close()
    await app[DATABASE].close()


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return web.json_response(
            status=error.status, data=_body(error.status, error.reason), headers=_kept(error)
        )
    except psycopg.errors.QueryCanceled:
        return web.json_response(status=504, data=_body(504, "The database took too long"))
    except psycopg.Error as error:
        return _database_failed(request, error)
    except (ConnectionError, web.RequestPayloadError):
        return web.json_response(status=400, data=_body(400, "The request broke off"))
    except Exception:
        LOG.exception("%s %s", request.method, request.path)
        return web.json_response(
            status=500, data=_body(500, "Internal server error; see the gateway's log")
        )


def _database_failed(request: web.Request, error: psycopg.Error) -> web.Response:
    if is_down(error):
        LOG.warning("database: %s", error)
        return web.json_response(status=503, data=_body(503, "The database does not answer"))
    LOG.error("%s %s", request.method, request.path, exc_info=error)
    message = "Database error; see the gateway's log"
    return web.json_response(status=500, data=_body(500, message))


def _body(status: int, message: str) -> dict[str, str | int]:
    """For every client: Auth reads `msg`, Storage statusCode and error, PostgREST `message`."""
    return {
        "code": status,
        "statusCode": str(status),
        "error": message,
        "message": message,
        "msg": message,
    }


def _kept(error: web.HTTPException) -> dict[str, str]:
    return {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}


@web.middleware
async def _check_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return _preflight(request)
    return refusal(request, request.app[SETTINGS]) or await handler(request)


def _preflight(request: web.Request) -> web.Response:
    wanted = request.headers.get(
        "Access-Control-Request-Headers", "authorization, apikey, content-type, x-client-info"
    )
    return web.Response(
        status=200,
        headers={
            "Access-Control-Allow-Methods": ALLOWED_METHODS,
            "Access-Control-Allow-Headers": wanted,
            "Access-Control-Max-Age": "3600",
        },
    )


async def _allow_browsers(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith("/mails"):
        return
    if "Origin" in request.headers or request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
