"""/api/v1/me: who calls. /api/v1/invites: let people in by mail, which takes a worker.

Everything else about people, roles and keys is a SQL function the browser calls itself.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask.typing import ResponseReturnValue

from app import api_keys, idempotency, queues
from app.auth import caller
from app.clients import clients
from app.db import Row
from app.idempotency import Attempt, Made, once
from app.identity.schemas import INVITE, NEW_INVITE, PERSON, PROGRAM, Invite, Me, NewInvite
from app.openapi import ApiBlueprint

identity = ApiBlueprint(
    "identity", __name__, url_prefix="/api/v1", description="Who calls, and who is let in."
)

MAY_INVITE = ("not_permitted", "second_factor_required", "role_not_grantable", "scope_missing")


@identity.get("/me")
@identity.response(200, Me, examples={"person": {"value": PERSON}, "program": {"value": PROGRAM}})
@identity.problems()
def me() -> ResponseReturnValue:
    """Who calls: a person and where he works, or a program and what its key opens."""
    user, database = caller(), clients().database
    if not user.key_id:
        return {"kind": "person", **database.rpc(user.token, "who_am_i")}
    return {"kind": "program", "id": user.id, "api_key": api_keys.facts(database, user.token)}


@identity.post("/invites")
@identity.arguments(NewInvite, example=NEW_INVITE)
@identity.response(201, Invite, example=INVITE, headers=idempotency.ANSWERS)
@identity.idempotent
@identity.problems(
    *idempotency.REFUSALS,
    *MAY_INVITE,
    "already_member",
    "already_invited",
    "bad_request",
    "payload_too_large",
    "unsupported_media_type",
    "invalid_request",
    "invalid_value",
)
def invite(form: dict[str, Any]) -> ResponseReturnValue:
    """Invite a person.

    Answers as soon as the invitation is recorded; a worker mails its link, which opens for seven
    days, once, and for that address only. Whether the mail is out: `sent_at` and `send_error`.
    """

    def make(attempt: Attempt) -> Made:
        row = _change(
            "create_invite",
            p_location=str(form["location_id"]),
            p_email=form["email"],
            p_role=form["role"],
            p_id=attempt.resource_id,
        )
        _ring(row)
        return Made(row, 201, {})

    return once(form, make)


@identity.post("/invites/<uuid:invite_id>/resend")
@identity.response(200, Invite, example=INVITE)
@identity.problems(*MAY_INVITE, "not_found", "invite_ended", "sent_just_now")
def resend(invite_id: UUID) -> ResponseReturnValue:
    """Mail a new link, good for seven days. The former one opens nothing from then on."""
    row = _change("resend_invite", p_invite=str(invite_id))
    _ring(row)
    return row


@identity.post("/invites/<uuid:invite_id>/revoke")
@identity.response(200, Invite, example=INVITE)
@identity.problems(*MAY_INVITE, "not_found", "invite_ended")
def revoke(invite_id: UUID) -> ResponseReturnValue:
    """Take an invitation back: its link opens nothing from then on."""
    return _change("revoke_invite", p_invite=str(invite_id))


def _change(name: str, **told: Any) -> Row:
    row: Row = clients().database.rpc(caller().token, name, **told)
    return row


def _ring(row: Row) -> None:
    queues.ring(clients().redis, queues.send_invite(row["id"], now=datetime.now(UTC)))
