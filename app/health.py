"""/health/live: the process answers. /health/ready: what it needs answers too."""

from __future__ import annotations

from typing import cast

from flask import current_app, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from app.auth import open_to_all
from app.openapi import ApiBlueprint
from app.readiness import Readiness


class Live(Schema):
    status = fields.String(required=True, metadata={"example": "ok"})


class Check(Schema):
    status = fields.String(required=True, metadata={"enum": ["ok", "failed"]})
    ms = fields.Float(metadata={"description": "How long the answer took."})
    alive = fields.Integer(metadata={"description": "Workers heard within the last minute."})
    silent = fields.Integer(metadata={"description": "Workers that stopped without a word."})
    length = fields.Integer(metadata={"description": "Rings that wait."})
    oldest_s = fields.Integer(
        allow_none=True, metadata={"description": "Since when the oldest waits, in seconds."}
    )


class Ready(Schema):
    status = fields.String(
        required=True,
        metadata={
            "enum": ["ok", "degraded", "failed"],
            "description": "`degraded`: requests are served, and something is to be mended.",
        },
    )
    checks = fields.Dict(keys=fields.String(), values=fields.Nested(Check), required=True)


health = ApiBlueprint("health", __name__, url_prefix="/health", description="For load balancers.")


@health.get("/live")
@open_to_all
@health.response(200, Live)
@health.doc(security=[])
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@health.get("/ready")
@open_to_all
@health.response(200, Ready)
@health.alt_response(503, schema=Ready, description="No request can be served.")
@health.doc(security=[])
def ready() -> ResponseReturnValue:
    """What requests need answers, and somebody does the work.

    503 only when PostgREST or the database is away, or lacks a migration.
    """
    report = cast(Readiness, current_app.extensions["readiness"]).report()
    return jsonify(report), 503 if report["status"] == "failed" else 200
