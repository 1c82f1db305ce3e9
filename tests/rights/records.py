"""A sample row of every table: what a writer must give, and values that its checks accept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from tests.rights.messaging_records import MESSAGING, phone
from tests.rights.rows import Body, Place, Record, Rows
from tests.rights.world import new_id


def unique(*_: Any) -> str:
    return f"sample {secrets.token_hex(6)}"


def email(*_: Any) -> str:
    return f"{secrets.token_hex(6)}@example.com"


def at(*more: Callable[[Rows, Place], Body], **body: Any) -> Callable[[Rows, Place], Body]:
    """A body at the place: fixed values and fresh ones."""

    def make(rows: Rows, place: Place) -> Body:
        made = {name: said(rows, place) if callable(said) else said for name, said in body.items()}
        for add in more:
            made |= add(rows, place)
        return made | {"location_id": place.id}

    return make


def parent(table: str) -> Callable[[Rows, Place], str]:
    return lambda rows, place: rows.one(table, place)


def fresh_id(*_: Any) -> str:
    return new_id()


def _import_file(rows: Rows, place: Place) -> Body:
    made = new_id()
    return {
        "id": made,
        "file_path": f"{place.id}/{made}/list.csv",
        "list_id": rows.one("lists", place),
    }


def _import_row(rows: Rows, place: Place) -> Body:
    key = rows.make("import_rows", place)
    return {"import_id": key["import_id"], "row_no": key["row_no"]}


def _account(rows: Rows, place: Place) -> Body:
    """A person who has an account and no profile yet."""
    made, address = new_id(), email()
    rows.insert("auth.users", {"id": made, "email": address})
    rows.db.execute("delete from profiles where id = %s", (made,))
    return {"id": made, "email": address}


def _without_card(rows: Rows, place: Place) -> str:
    made = rows.one("contacts", place)
    rows.db.execute("delete from contact_cards where contact_id = %s", (made,))
    return made


def _key(rows: Rows, place: Place) -> Body:
    return {
        "id": new_id(),
        "location_id": place.id,
        "user_id": place.user,
        "name": "Program",
        "prefix": f"aac_{secrets.token_hex(4)}",
        "secret_hash": secrets.token_hex(32),
        "scopes": ["contacts:read"],
        "created_at": "2026-01-01T00:00:00Z",
        "expires_at": "2027-01-01T00:00:00Z",
    }


def _setting_kind(rows: Rows, place: Place, scope: str = "location") -> Body:
    return {
        "key": f"sample_{secrets.token_hex(6)}",
        "scope": scope,
        "kind": "string",
        "default_value": "sample",
        "description": "Sample.",
    }


def _setting(rows: Rows, place: Place) -> Body:
    kind = rows.insert("setting_kinds", _setting_kind(rows, place), ("key",))
    return {"location_id": place.id, "key": kind["key"], "value": "sample"}


def _preference(rows: Rows, place: Place) -> Body:
    kind = rows.insert("setting_kinds", _setting_kind(rows, place, "user"), ("key",))
    return {"location_id": place.id, "user_id": place.user, "key": kind["key"], "value": "sample"}


PHONE = {"phone": phone}
CONTACT = parent("contacts")
RECORDS: dict[str, Record] = MESSAGING | {
    "api_keys": Record(_key),
    "api_scope_functions": Record(
        lambda rows, place: {"scope": "contacts:read", "function": unique()},
        key=("scope", "function"),
    ),
    "api_scopes": Record(
        lambda rows, place: {"scope": "contacts:read", "resource": unique()},
        key=("scope", "resource"),
    ),
    "audit_log": Record(at(action="insert", table_name="lists", row_id="sample")),
    "companies": Record(at(id=fresh_id, name=unique)),
    "consents": Record(
        at(phone=phone, status="express"), values={"contact_id": CONTACT, "source": "website"}
    ),
    "contact_cards": Record(at(contact_id=_without_card), key=("contact_id",)),
    "contact_emails": Record(
        at(id=fresh_id, contact_id=CONTACT, email=email), values={"email": email}
    ),
    "contact_flags": Record(
        at(id=fresh_id, contact_id=CONTACT, flag="negative"),
        values=PHONE | {"applies_to": "both", "flag": "wrong_number"},
    ),
    "contact_phones": Record(at(id=fresh_id, contact_id=CONTACT, phone=phone), values=PHONE),
    "contact_tags": Record(
        at(contact_id=CONTACT, tag_id=parent("tags")), key=("contact_id", "tag_id")
    ),
    "contacts": Record(
        at(id=fresh_id, last_name=unique),
        values=PHONE
        | {
            "company_id": parent("companies"),
            "email": email,
            "contact_type": "realtor",
            "customer_type": "customer",
            "lead_source": "referral",
            "is_entity": False,
            "openphone_contact_id": unique,
            "quickbooks_customer_id": unique,
        },
    ),
    "exports": Record(at(id=fresh_id, kind="import_rows")),
    "import_batches": Record(
        at(import_id=parent("imports"), batch_no=1, row_count=1, rejected_rows=0),
        key=("import_id", "batch_no"),
    ),
    "import_people": Record(
        at(
            _import_row,
            slot="primary",
            has_phone=False,
            contact_outcome="created",
            link_outcome="created",
        ),
        key=("import_id", "row_no", "slot"),
    ),
    "import_rows": Record(
        at(import_id=parent("imports"), row_no=2, batch_no=1, outcome="created"),
        key=("import_id", "row_no"),
    ),
    "imports": Record(
        at(_import_file, list_name="Spring", filename="list.csv", size_bytes=10, sha256="a" * 64)
    ),
    "invites": Record(at(id=fresh_id, email=email, role="technician")),
    "list_members": Record(
        at(list_id=parent("lists"), contact_id=CONTACT),
        key=("list_id", "contact_id"),
        values={"property_id": parent("properties"), "status": "removed"},
    ),
    "lists": Record(
        at(id=fresh_id, name=unique),
        values={"name": unique, "source": "other", "status": "archived"},
    ),
    "location_members": Record(
        at(
            lambda rows, place: {"user_id": str(rows.insert("auth.users", {"id": new_id()})["id"])},
            role="technician",
        ),
        key=("user_id", "location_id"),
    ),
    "locations": Record(
        lambda rows, place: {"id": place.id, "name": "Place"},
        values={
            "state": "MA",
            "zip": "02134",
            "timezone": "America/Chicago",
            "business_hours": {"days": [1, 2], "start": "09:00", "end": "17:00"},
        },
        new=lambda rows, place: {"id": new_id(), "name": "Place"},
        restored={"second_factor_required": (False, True)},
    ),
    "notes": Record(at(id=fresh_id, contact_id=CONTACT, body="Cellar is wet.")),
    "opt_out_events": Record(
        at(opt_out_id=fresh_id, phone=phone, event="opted_out", at="2026-01-02T03:04:05Z")
    ),
    "opt_outs": Record(
        at(phone=phone),
        values={
            "id": fresh_id,
            "method": "manual",
            "channel": "phone_call",
            "revoked_at": "2999-01-01T00:00:00Z",
        },
    ),
    "preferences": Record(_preference, key=("user_id", "location_id", "key")),
    "profiles": Record(
        lambda rows, place: {"id": place.user, "email": "x@example.com"},
        values=PHONE | {"openphone_user_id": unique},
        new=_account,
    ),
    "properties": Record(
        at(id=fresh_id, address=unique, city="Fairpond"),
        values={"apn": unique, "state": "NH", "zip": "02134", "zip4": "1234", "year_built": 1960},
    ),
    "property_contacts": Record(
        at(property_id=parent("properties"), contact_id=CONTACT),
        key=("property_id", "contact_id"),
        values={"relationship": "tenant", "slot": "primary"},
    ),
    "role_grants": Record(
        lambda rows, place: {"granter": "owner", "role": "owner"},
        key=("granter", "role"),
        is_fixed=True,
    ),
    "setting_kinds": Record(_setting_kind, key=("key",)),
    "settings": Record(_setting, key=("location_id", "key")),
    "tags": Record(at(id=fresh_id, name=unique), values={"name": unique}),
}
# What a view shows comes of rows of these.
VIEWS = {"list_summaries": "lists"}
