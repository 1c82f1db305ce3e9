"""What both surfaces know of contacts: the account's, and their numbers, addresses and fields."""

from __future__ import annotations

import re
import secrets
from typing import Any

from aiohttp import web

from sandbox import instants
from sandbox.answers import ApiError, NotFound
from sandbox.keys import vendor_of
from sandbox.openphone.records import Contact
from sandbox.openphone.vendor import Vendor

Content = dict[str, Any]
PHONE, EMAIL = "phone-number", "email"
CUSTOM_FIELDS = (
    {"key": "lead-source", "name": "Lead source", "type": "string"},
    {"key": "property-url", "name": "Property URL", "type": "url"},
    {"key": "tags", "name": "Tags", "type": "multi-select"},
)
RESERVED = ("openphone", "device", "csv", "zapier", "google-people", "other")


def new_contact(created_by: str, **details: Any) -> Contact:
    at = instants.now()
    return Contact(
        secrets.token_hex(12), created_at=at, updated_at=at, created_by=created_by, **details
    )


def find(request: web.Request) -> Contact:
    found = vendor_of(request).world.contacts.by_id.get(request.match_info["id"])
    if found is None:
        raise NotFound("Contact")
    return found


def changed(vendor: Vendor, contact: Contact) -> None:
    contact.updated_at = instants.now()
    vendor.world.index_contact(contact)
    vendor.tell("contact.updated", contact)


def removed(vendor: Vendor, contact: Contact) -> None:
    vendor.world.remove_contact(contact)
    vendor.tell("contact.deleted", contact)


def new_property(kind: str, name: str | None, value: Any, key: str | None = None) -> Content:
    made = {"id": secrets.token_hex(12), "type": kind, "name": name, "value": value}
    return made | ({"key": key} if key else {})


def check_source(source: str | None) -> None:
    taken = source and (source in RESERVED or re.match("openphone|csv", source))
    if taken:
        raise ApiError(400, "Bad Request", f"source {source!r} is reserved")
