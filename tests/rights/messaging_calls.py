"""Arguments for the functions of the inbox and of todos."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from tests.rights.messaging_records import AT, MESSAGES, phone
from tests.rights.rows import Body, Place, Rows


def _said(rows: Rows, place: Place) -> str:
    """A conversation with a text in it."""
    made = rows.body("messages", place) | MESSAGES | {"direction": "incoming"}
    rows.insert("messages", made | {"status": "received", "source": "vendor"})
    return str(made["conversation_id"])


def _spoken(**more: Any) -> Callable[[Rows, Place], Body]:
    return lambda rows, place: {"p_conversation": _said(rows, place)} | more


def _listed(rows: Rows, place: Place) -> Body:
    _said(rows, place)
    return {"p_location": place.id}


def _given(rows: Rows, place: Place) -> Body:
    """A todo of the place's person."""
    return {"p_ids": [rows.one("todos", place)]}


def _todos(rows: Rows, place: Place) -> Body:
    """… and of everybody who works there, for each to have one."""
    for (user,) in rows.db.execute(
        "select user_id from location_members where location_id = %s", (place.id,)
    ).fetchall():
        rows.one("todos", Place(place.id, str(user)))
    return {"p_location": place.id}


def _hash() -> str:
    return secrets.token_hex(32)


MESSAGING_CALLS: dict[str, Callable[[Rows, Place], Body]] = {
    "add_number": lambda rows, place: {"p_location": place.id, "p_e164": phone()},
    "bulk_conversations": lambda rows, place: {
        "p_ids": [_said(rows, place)],
        "p_action": "star",
    },
    "close_inbox": lambda rows, place: {"p_key_hash": _hash()},
    "connect_number": lambda rows, place: {
        "p_location": place.id,
        "p_e164": phone(),
        "p_label": "Main",
        "p_openphone_id": f"PN{secrets.token_hex(6)}",
    },
    "conversation_thread": _spoken(),
    "finish_todos": _given,
    "list_inbox": _listed,
    "list_todos": _todos,
    "mark_read": _spoken(p_to=AT),
    "mark_unread": _spoken(),
    "open_inbox": lambda rows, place: {"p_key_hash": _hash()},
    "person_context": _spoken(),
    "read_notifications": lambda rows, place: {"p_location": place.id},
    "remove_number": lambda rows, place: {"p_number": rows.one("phone_numbers", place)},
    "unread_counts": lambda rows, place: {"p_location": place.id},
}
