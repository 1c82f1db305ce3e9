"""/api/v1/sync-runs: go through the vendor's records, which takes a worker.

Pause, resume and cancel are SQL functions the browser calls itself; how far a run is, is its row.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate

from app import idempotency, queues
from app.auth import caller
from app.clients import clients
from app.idempotency import Attempt, Made, once
from app.openapi import ApiBlueprint

sync_runs = ApiBlueprint(
    "sync_runs",
    __name__,
    url_prefix="/api/v1/sync-runs",
    description="Runs through the phone vendor's records.",
)

KINDS = ["history", "reconciliation", "stop_scan"]
COLUMNS = "id,location_id,kind,status,created_at"
NEW_RUN = {"location_id": "0d7c1f3a-6f0e-4d52-9d0c-2b8f1e5a7c11", "kind": "history"}
RUN = NEW_RUN | {
    "id": "9e0c4b7a-53d1-4f28-8a6e-1b7d2c3f4a50",
    "status": "waiting",
    "created_at": "2026-11-21T15:04:05.123456+00:00",
}


class NewRun(Schema):
    location_id = fields.UUID(required=True)
    kind = fields.String(
        required=True,
        validate=validate.OneOf(KINDS),
        metadata={
            "description": "history: everything, which may take an hour. reconciliation: what"
            " webhooks missed in 48 hours, done each night anyway. stop_scan: texts we have, looked"
            " through for STOP."
        },
    )
    since = fields.AwareDateTime(
        load_default=None,
        allow_none=False,
        format="iso",
        metadata={"description": "Only what happened after it."},
    )


class SyncRun(Schema):
    """How far it is: the columns phase, counts and warnings of its row in `sync_runs`, live."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    location_id = fields.String(required=True, metadata={"format": "uuid"})
    kind = fields.String(required=True, metadata={"enum": [*KINDS, "contact_push"]})
    status = fields.String(
        required=True,
        metadata={"enum": ["waiting", "running", "paused", "cancelled", "done", "failed"]},
    )
    created_at = fields.String(required=True, metadata={"format": "date-time"})


@sync_runs.post("")
@sync_runs.arguments(NewRun, example=NEW_RUN)
@sync_runs.response(202, SyncRun, example=RUN, headers=idempotency.ANSWERS)
@sync_runs.idempotent
@sync_runs.problems(
    *idempotency.REFUSALS,
    "not_permitted",
    "second_factor_required",
    "scope_missing",
    "already_running",
    "bad_request",
    "payload_too_large",
    "unsupported_media_type",
    "invalid_request",
    "invalid_value",
)
def start(form: dict[str, Any]) -> ResponseReturnValue:
    """Start a run. One of a kind goes on at a location at a time; a worker takes it up at once."""
    given = {"p_location": str(form["location_id"]), "p_kind": form["kind"]}
    if form["since"] is not None:
        given["p_since"] = form["since"].isoformat()

    def make(attempt: Attempt) -> Made:
        database, token = clients().database, caller().token
        run_id = str(database.rpc(token, "start_sync", **given, p_id=attempt.resource_id))
        queues.ring(clients().redis, queues.run_sync(run_id, now=datetime.now(UTC)))
        return Made(database.row(token, "sync_runs", COLUMNS, id=run_id), 202, {})

    return once(given, make)
