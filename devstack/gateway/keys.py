"""The things every handler takes from the application."""

from __future__ import annotations

from aiohttp import ClientSession, web

from devstack.gateway.database import Database
from devstack.gateway.realtime_hub import Hub
from devstack.gateway.settings import Settings

SETTINGS = web.AppKey("settings", Settings)
DATABASE = web.AppKey("database", Database)
POSTGREST = web.AppKey("postgrest", ClientSession)
HUB = web.AppKey("hub", Hub)
