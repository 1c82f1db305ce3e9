"""/v1/contacts: a contact as one nested object, which PATCH replaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox.answers import ApiError, data, read_body
from sandbox.keys import vendor_of
from sandbox.openphone import contacts, paging
from sandbox.openphone.records import Contact
from sandbox.openphone.world import OWNER_ID
from sandbox.reading import Body, Query

Content = dict[str, Any]
NAMES = ("firstName", "lastName", "company", "role")
KNOWN = (
    *("defaultFields", "customFields", "createdByUserId"),
    *("source", "sourceUrl", "externalId"),
)


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/v1/contact-custom-fields", custom_fields)
    router.add_post("/v1/contacts", create)
    router.add_get("/v1/contacts", index)
    router.add_get("/v1/contacts/{id}", show)
    router.add_patch("/v1/contacts/{id}", replace)
    router.add_delete("/v1/contacts/{id}", remove)


async def custom_fields(_request: web.Request) -> web.Response:
    return data(list(contacts.CUSTOM_FIELDS))


async def create(request: web.Request) -> web.Response:
    body, vendor = Body(await read_body(request), KNOWN), vendor_of(request)
    if not _check_fields(body).get("firstName"):
        body.wrong("defaultFields/firstName", "Expected required property", None)
    source = body.text("source", least=1, most=72) or "public-api"
    external_id = body.text("externalId", least=1, most=75)
    source_url, user_id = body.text("sourceUrl", most=200), body.text("createdByUserId")
    body.end()
    contacts.check_source(source)
    contact = contacts.new_contact(
        user_id or OWNER_ID,
        first_name=None,
        source=source,
        source_url=source_url,
        external_id=external_id,
    )
    _take(contact, body.given)
    vendor.world.contacts.add(contact)
    contacts.changed(vendor, contact)
    return data(as_v1(contact), 201)


async def index(request: web.Request) -> web.Response:
    query, vendor = Query(request.query), vendor_of(request)
    external_ids = query.many("externalIds", most=50)
    sources = query.many("sources", most=50)
    size, start = query.whole("maxResults", 1, 50), paging.key(query.text("pageToken"))
    query.end()
    found = [
        each
        for each in vendor.world.contacts.newest_first()
        if (not external_ids or each.external_id in external_ids)
        and (not sources or each.source in sources)
    ]
    rest = (each for each in found if not start or (each.created_at, each.seq) < start)
    items, token = paging.page(rest, size)
    return data([as_v1(each) for each in items], totalItems=len(found), nextPageToken=token)


async def show(request: web.Request) -> web.Response:
    return data(as_v1(contacts.find(request)))


async def replace(request: web.Request) -> web.Response:
    """Numbers, addresses and fields that are not given are deleted."""
    contact, body = contacts.find(request), Body(await read_body(request), KNOWN)
    _check_fields(body)
    body.end()
    _take(contact, body.given)
    contact.external_id = body.given.get("externalId", contact.external_id)
    contacts.changed(vendor_of(request), contact)
    return data(as_v1(contact))


async def remove(request: web.Request) -> web.Response:
    contacts.removed(vendor_of(request), contacts.find(request))
    return web.Response(status=204)


def as_v1(contact: Contact) -> Content:
    def of(kind: str) -> list[Content]:
        return [
            {"id": item["id"], "name": item["name"], "value": item["value"]}
            for item in contact.properties
            if item["type"] == kind
        ]

    return {
        "id": contact.id,
        "externalId": contact.external_id,
        "source": contact.source,
        "sourceUrl": contact.source_url,
        "defaultFields": {
            "firstName": contact.first_name,
            "lastName": contact.last_name,
            "company": contact.company,
            "role": contact.role,
            "phoneNumbers": of(contacts.PHONE),
            "emails": of(contacts.EMAIL),
        },
        "customFields": [item for item in contact.properties if item.get("key")],
        "createdAt": contact.created_at,
        "updatedAt": contact.updated_at,
        "createdByUserId": contact.created_by,
    }


def _check_fields(body: Body) -> Mapping[str, Any]:
    """The default fields; what is not of their form is told to the body."""
    told = body.given.get("defaultFields") or {}
    if not isinstance(told, dict):
        body.wrong("defaultFields", "Expected object", told, "object")
        told = {}
    for name in NAMES:
        if not isinstance(told.get(name), str | None):
            body.wrong(f"defaultFields/{name}", "Expected string", told[name])
    lists = {f"defaultFields/{name}": told.get(name) for name in ("phoneNumbers", "emails")}
    for name, found in (lists | {"customFields": body.given.get("customFields")}).items():
        is_list = isinstance(found, list) and all(isinstance(item, dict) for item in found)
        if found is not None and not is_list:
            body.wrong(name, "Expected array of objects", found, "array")
    return told


def _take(contact: Contact, given: Mapping[str, Any]) -> None:
    told = given.get("defaultFields") or {}
    contact.first_name = told.get("firstName", contact.first_name)
    contact.last_name = told.get("lastName", contact.last_name)
    contact.company = told.get("company", contact.company)
    contact.role = told.get("role", contact.role)
    kinds = ((contacts.PHONE, "phoneNumbers"), (contacts.EMAIL, "emails"))
    contact.properties = [
        contacts.new_property(kind, item.get("name"), item.get("value"))
        for kind, name in kinds
        for item in told.get(name) or []
    ]
    contact.properties += [_custom(item) for item in given.get("customFields") or []]


def _custom(item: Content) -> Content:
    known = {field["key"]: field for field in contacts.CUSTOM_FIELDS}
    field = known.get(item.get("key", ""))
    if field is None:
        raise ApiError(400, "Invalid Custom Field Item", code="0801400")
    return contacts.new_property(field["type"], field["name"], item.get("value"), field["key"])
