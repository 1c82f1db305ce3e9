"""What every handler takes from the application."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from aiohttp import ClientSession, web

from devstack.gateway.callers import caller_of
from devstack.gateway.database import Connection, Database
from devstack.gateway.realtime_hub import Hub
from devstack.gateway.settings import Settings

SETTINGS = web.AppKey("settings", Settings)
DATABASE = web.AppKey("database", Database)
POSTGREST = web.AppKey("postgrest", ClientSession)
HUB = web.AppKey("hub", Hub)


def as_caller(request: web.Request) -> AbstractAsyncContextManager[Connection]:
    """A transaction in which policies see who sent the request; raises BadToken."""
    return request.app[DATABASE].acting_as(caller_of(request, request.app[SETTINGS]))
