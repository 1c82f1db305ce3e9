"""What the identity routes take and give. Rules about the values live in SQL."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

ROLES = ("owner", "admin", "marketer", "technician")
SOME_LOCATION = "0d7c1f3a-6f0e-4d52-9d0c-2b8f1e5a7c11"
SOME_INVITE = "7a1e9b54-3c1d-4f6b-8a55-90e4d2c6b8f0"
SOME_PERSON = "b4f0a8d2-5d1c-4b7e-9f39-61c2e7a0d845"


def _id(description: str = "", **more: Any) -> fields.String:
    return fields.String(metadata=_said(description) | {"format": "uuid"}, **more)


def _time(description: str = "", **more: Any) -> fields.String:
    return fields.String(metadata=_said(description) | {"format": "date-time"}, **more)


def _said(description: str) -> dict[str, str]:
    return {"description": description} if description else {}


class NewInvite(Schema):
    location_id = fields.UUID(required=True, metadata={"description": "Where the person works."})
    email = fields.String(
        required=True,
        validate=validate.Length(min=3, max=254),
        metadata={
            "format": "email",
            "description": "Where the link is mailed to, and who may accept it.",
        },
    )
    role = fields.String(
        required=True,
        validate=validate.OneOf(ROLES),
        metadata={"description": "An owner grants every role, an admin the last two."},
    )


class Invite(Schema):
    """An invitation, column by column as the table `invites` has it."""

    id = _id(required=True)
    location_id = _id(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True)
    expires_at = _time("The link opens nothing afterwards.", required=True)
    sent_at = _time("Null until the mail is out.", required=True, allow_none=True)
    send_error = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why the mail is not out; it is tried again by itself."},
    )
    accepted_at = _time(required=True, allow_none=True)
    accepted_by = _id(required=True, allow_none=True)
    revoked_at = _time(required=True, allow_none=True)
    created_by = _id("Null for the first owner.", required=True, allow_none=True)
    created_at = _time(required=True)
    updated_at = _time(required=True)


class Workplace(Schema):
    location_id = _id(required=True)
    location_name = fields.String(required=True)
    role = fields.String(required=True, metadata={"enum": list(ROLES)})
    second_factor_needed = fields.Boolean(
        required=True, metadata={"description": "Nothing opens there until it is given."}
    )


class Key(Schema):
    id = _id(required=True)
    name = fields.String(required=True)
    prefix = fields.String(required=True, metadata={"description": "Its beginning, not a secret."})
    location_id = _id("The one location it is good for.", required=True)
    scopes = fields.List(fields.String(), required=True)
    expires_at = _time(required=True)


class Me(Schema):
    kind = fields.String(required=True, metadata={"enum": ["person", "program"]})
    id = _id("The person; of a program, the person who made its key.", required=True)
    name = fields.String(allow_none=True, metadata={"description": "People only."})
    email = fields.String(metadata={"description": "People only."})
    aal = fields.String(metadata={"description": "People only; aal2: gave a second factor."})
    locations = fields.List(
        fields.Nested(Workplace), metadata={"description": "People only: where they work."}
    )
    api_key = fields.Nested(Key, metadata={"description": "Programs only."})


NEW_INVITE = {"location_id": SOME_LOCATION, "email": "ana.ruiz@example.com", "role": "marketer"}
INVITE = {
    "id": SOME_INVITE,
    **NEW_INVITE,
    "expires_at": "2026-11-28T15:04:05.123456+00:00",
    "sent_at": None,
    "send_error": None,
    "accepted_at": None,
    "accepted_by": None,
    "revoked_at": None,
    "created_by": SOME_PERSON,
    "created_at": "2026-11-21T15:04:05.123456+00:00",
    "updated_at": "2026-11-21T15:04:05.123456+00:00",
}
PERSON = {
    "kind": "person",
    "id": SOME_PERSON,
    "name": "Ana Ruiz",
    "email": "ana.ruiz@example.com",
    "aal": "aal1",
    "locations": [
        {
            "location_id": SOME_LOCATION,
            "location_name": "Westcliff",
            "role": "owner",
            "second_factor_needed": False,
        }
    ],
}
PROGRAM = {
    "kind": "program",
    "id": SOME_PERSON,
    "api_key": {
        "id": "e2a3c1d0-9b84-4c3f-8d57-0f6a1b2c3d4e",
        "name": "Bookkeeping",
        "prefix": "aac_0123abcd",
        "location_id": SOME_LOCATION,
        "scopes": ["contacts:read"],
        "expires_at": "2027-02-19T15:04:05.123456+00:00",
    },
}
