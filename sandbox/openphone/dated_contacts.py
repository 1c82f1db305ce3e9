"""/contacts of 2026-03-30: flat, with numbers and addresses as properties of their own."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from sandbox import instants
from sandbox.answers import NotFound, data, read_body
from sandbox.keys import vendor_of
from sandbox.openphone import contacts, paging
from sandbox.openphone.records import Contact
from sandbox.openphone.world import OWNER_ID
from sandbox.reading import Body, Query

Content = dict[str, Any]
SCALARS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "company": "company",
    "role": "role",
    "externalId": "external_id",
    "source": "source",
    "sourceUrl": "source_url",
}


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/contacts", index)
    router.add_post("/contacts", create)
    router.add_get("/contacts/{id}", show)
    router.add_patch("/contacts/{id}", change)
    router.add_delete("/contacts/{id}", remove)
    router.add_get("/contacts/{id}/properties", properties)
    router.add_post("/contacts/{id}/properties", add_property)
    router.add_patch("/contacts/{id}/properties/{property}", change_property)
    router.add_delete("/contacts/{id}/properties/{property}", remove_property)
    router.add_get("/contacts/{id}/notes", notes)
    router.add_post("/contacts/{id}/notes", add_note)
    router.add_get("/contacts/{id}/shares", shares)


async def index(request: web.Request) -> web.Response:
    query, world = Query(request.query), vendor_of(request).world
    external_ids, source = query.listed("externalId"), query.text("source")
    size, start = query.whole("limit", 1, 50, 10), paging.key(query.text("after"))
    query.end()
    found = (
        each
        for each in world.contacts.newest_first(start)
        if (external_ids is None or each.external_id in external_ids)
        and source in (None, each.source)
    )
    items, cursor = paging.page(found, size)
    return data([as_dated(each) for each in items], nextCursor=cursor)


async def create(request: web.Request) -> web.Response:
    body, vendor = Body(await read_body(request), (*SCALARS, "actorId")), vendor_of(request)
    details = _scalars(body, required=True)
    contacts.check_source(details.get("source"))
    contact = contacts.new_contact(body.given.get("actorId") or OWNER_ID, **details)
    vendor.world.contacts.add(contact)
    contacts.changed(vendor, contact)
    return data(as_dated(contact), 201)


async def show(request: web.Request) -> web.Response:
    return data(as_dated(contacts.find(request)))


async def change(request: web.Request) -> web.Response:
    contact = contacts.find(request)
    for name, value in _scalars(Body(await read_body(request), SCALARS), required=False).items():
        setattr(contact, name, value)
    contacts.changed(vendor_of(request), contact)
    return data(as_dated(contact))


async def remove(request: web.Request) -> web.Response:
    contacts.removed(vendor_of(request), contacts.find(request))
    return web.Response(status=204)


async def properties(request: web.Request) -> web.Response:
    return data(contacts.find(request).properties, nextCursor=None)


async def add_property(request: web.Request) -> web.Response:
    """Answers 200, and not 201 as all other creations."""
    contact, body = contacts.find(request), Body(await read_body(request))
    kind, name = body.text("type", required=True), body.text("name")
    body.end()
    made = contacts.new_property(kind or "", name, body.given.get("value"), body.given.get("key"))
    contact.properties.append(made)
    contacts.changed(vendor_of(request), contact)
    return data(made)


async def change_property(request: web.Request) -> web.Response:
    contact, body = contacts.find(request), await read_body(request)
    found = _property(request, contact)
    found |= {name: value for name, value in body.items() if name in ("name", "value")}
    contacts.changed(vendor_of(request), contact)
    return data(found)


async def remove_property(request: web.Request) -> web.Response:
    contact = contacts.find(request)
    contact.properties.remove(_property(request, contact))
    contacts.changed(vendor_of(request), contact)
    return web.Response(status=204)


async def notes(request: web.Request) -> web.Response:
    return data(contacts.find(request).notes, nextCursor=None)


async def add_note(request: web.Request) -> web.Response:
    contact, body = contacts.find(request), Body(await read_body(request))
    text = body.text("text", required=True, least=1, most=2000)
    body.end()
    note = {"id": secrets.token_hex(12), "text": text, "createdAt": instants.now()}
    contact.notes.append(note)
    return data(note, 201)


async def shares(request: web.Request) -> web.Response:
    contacts.find(request)
    return data([], nextCursor=None)


def as_dated(contact: Contact) -> Content:
    shown = {name: getattr(contact, kept) for name, kept in SCALARS.items()}
    times = {"createdAt": contact.created_at, "updatedAt": contact.updated_at}
    return {"id": contact.id} | shown | times


def _property(request: web.Request, contact: Contact) -> Content:
    wanted = request.match_info["property"]
    for item in contact.properties:
        if item["id"] == wanted:
            return item
    raise NotFound("Property")


def _scalars(body: Body, *, required: bool) -> dict[str, Any]:
    """Under the names of the record; what is not given is not there."""
    body.text("firstName", required=required, least=1)
    for name in SCALARS:
        body.text(name)
    body.end()
    return {kept: body.given[name] for name, kept in SCALARS.items() if name in body.given}
