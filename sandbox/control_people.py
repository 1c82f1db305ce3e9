"""/_control: the customers, and what is done in the vendor's own app."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox import control_views, instants, pictures, sounds
from sandbox.answers import read_body
from sandbox.files import File
from sandbox.keys import vendor_of
from sandbox.openphone import calling, history, stop
from sandbox.openphone.records import Number
from sandbox.openphone.vendor import Vendor
from sandbox.openphone.world import MAIN_ID, OWNER_ID

Content = dict[str, Any]
TYPES = pictures.TYPES | sounds.TYPES


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_post("/_control/numbers", add_number)
    router.add_post("/_control/incoming", incoming)
    router.add_post("/_control/outgoing", outgoing)
    router.add_post("/_control/calls", call)
    router.add_post("/_control/calls/{id}/events", tell_of_call)
    router.add_post("/_control/messages/{id}/status", move)
    router.add_post("/_control/seed", seed)
    router.add_post("/_control/files/expire", expire)


async def add_number(request: web.Request) -> web.Response:
    body, world = await read_body(request), vendor_of(request).world
    number = world.number(body["e164"]) or world.add_number(
        body["e164"], body.get("id", ""), body.get("name", "Extra")
    )
    return web.json_response(asdict(number), status=201)


async def incoming(request: web.Request) -> web.Response:
    """{from, to?, text?, media?: [{kind, …}], others?: [group], at?, tell?}"""
    vendor, body = vendor_of(request), await read_body(request)
    message = vendor.receive(
        _number(vendor, body.get("to")),
        body["from"],
        body.get("text", ""),
        media=[make_file(vendor, item) for item in body.get("media", [])],
        others=body.get("others"),
        at=_instant(body.get("at")),
    )
    if body.get("tell", True):
        vendor.tell("message.received", message)
    stop.hear(vendor, message)
    return web.json_response(control_views.message(vendor, message), status=201)


async def outgoing(request: web.Request) -> web.Response:
    """A text written in the vendor's own app: {from?, to: [..], text, at?, tell?, status?}"""
    vendor, body = vendor_of(request), await read_body(request)
    at = _instant(body.get("at")) or instants.now()
    number = _number(vendor, body.get("from"))
    message = vendor.outgoing(number, body["to"], body["text"], body.get("user", OWNER_ID), at)
    if not body.get("tell", True):
        message.status = body.get("status", "delivered")
    elif vendor.behaviour.progress == "auto":
        vendor.progress(message)
    return web.json_response(control_views.message(vendor, message), status=201)


async def call(request: web.Request) -> web.Response:
    """{person, number?, tell?, and the fields of calling.Asked}"""
    vendor, body = vendor_of(request), await read_body(request)
    number, person = _number(vendor, body.pop("number", None)), body.pop("person")
    is_told, body["at"] = body.pop("tell", True), _instant(body.get("at"))
    try:
        asked = calling.Asked(**body)
        placed = calling.place(vendor, number, person, asked)
    except (TypeError, calling.BadCall) as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    told = calling.tell(vendor, placed, asked.events) if is_told else []
    content = {"id": placed.id, "conversation_id": placed.conversation_id, "told": told}
    return web.json_response(content, status=201)


async def tell_of_call(request: web.Request) -> web.Response:
    """{"events": […]}: again, or for the first time."""
    vendor, body = vendor_of(request), await read_body(request)
    found = vendor.world.calls.by_id.get(request.match_info["id"])
    if found is None:
        raise web.HTTPNotFound
    return web.json_response({"told": calling.tell(vendor, found, body.get("events"))})


async def move(request: web.Request) -> web.Response:
    """{status, code?}: the next step of a text, and its webhook."""
    vendor, body = vendor_of(request), await read_body(request)
    message = vendor.world.messages.by_id.get(request.match_info["id"])
    if message is None:
        raise web.HTTPNotFound
    vendor.move(message, body["status"], body.get("code"))
    return web.json_response(control_views.message(vendor, message))


async def seed(request: web.Request) -> web.Response:
    """{conversations, messages?, calls?, seed?, until?, days?, number?, stops?}: told to nobody."""
    vendor, body = vendor_of(request), await read_body(request)
    number = _number(vendor, body.pop("number", None))
    try:
        made = history.write(vendor, number, history.Asked(**body))
    except TypeError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    return web.json_response(made, status=201)


async def expire(request: web.Request) -> web.Response:
    """Every address of a file given so far."""
    vendor_of(request).files.expire_all()
    return web.json_response({})


def make_file(vendor: Vendor, told: Content) -> File:
    """{kind: jpeg|png|heic|mp3|wav, …}, or {content: base64, type}: any bytes at all."""
    if "content" in told:
        content = base64.b64decode(told["content"])
        return vendor.files.add(File(told["type"], lambda: content))
    details = dict(told)
    kind = details.pop("kind", "jpeg")
    if kind not in TYPES:
        raise web.HTTPBadRequest(text=f"no file {kind!r}; there are {', '.join(TYPES)}")
    declared = details.pop("type", TYPES[kind])
    if kind in sounds.TYPES:
        seconds = details.get("seconds", calling.SOUND_S)
        return vendor.files.add(File(declared, lambda: sounds.make(kind, seconds)))
    if details.get("place"):
        details["place"] = tuple(details["place"])
    return vendor.files.add(File(declared, lambda: pictures.make(kind, **details)))


def _number(vendor: Vendor, named: str | None) -> Number:
    found = vendor.world.number(named or MAIN_ID)
    if found is None:
        raise web.HTTPBadRequest(text=f"no number {named}: POST /_control/numbers first")
    return found


def _instant(given: str | None) -> str | None:
    return instants.read(given) if given else None
