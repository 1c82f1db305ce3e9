"""Broadcasts by HTTP: a batch, or one event (what httpSend and http_send use)."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from devstack.gateway.callers import Caller, caller_of
from devstack.gateway.jwt_keys import BadToken
from devstack.gateway.keys import DATABASE, HUB, SETTINGS
from devstack.gateway.realtime_hub import broadcast
from devstack.gateway.realtime_rights import rights_of


async def broadcast_batch(request: web.Request) -> web.Response:
    """`{messages: [{topic, event, payload, private}]}`; what the caller may not send is dropped."""
    caller, body = _caller(request), await _json(request)
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not all(
        isinstance(m, dict) and m.get("topic") for m in messages
    ):
        return _refuse(422, "messages must be a list of {topic, event, payload, private}")
    for message in messages:
        await _publish(
            request,
            caller,
            str(message["topic"]),
            str(message.get("event", "")),
            message.get("payload", {}),
            bool(message.get("private")),
        )
    return web.Response(status=202)


async def broadcast_one(request: web.Request) -> web.Response:
    caller = _caller(request)
    payload = (
        await request.read()
        if request.content_type == "application/octet-stream"
        else await _json(request)
    )
    topic, event = request.match_info["topic"], request.match_info["event"]
    private = request.query.get("private") == "true"
    if not await _publish(request, caller, topic, event, payload, private):
        return _refuse(
            403, f"You do not have permissions to broadcast to this Channel topic: {topic}"
        )
    return web.Response(status=202)


async def _publish(
    request: web.Request, caller: Caller, topic: str, event: str, payload: Any, private: bool
) -> bool:
    if private and "broadcast" not in (await rights_of(request.app[DATABASE], caller, topic)).write:
        return False
    request.app[HUB].publish(topic, private, broadcast(event, payload))
    return True


def _caller(request: web.Request) -> Caller:
    try:
        return caller_of(request, request.app[SETTINGS])
    except BadToken as error:
        raise web.HTTPUnauthorized(reason=f"Invalid token: {error}") from error


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise web.HTTPBadRequest(reason="the body is no JSON") from error


def _refuse(status: int, message: str) -> web.Response:
    return web.json_response({"message": message, "error": message}, status=status)
