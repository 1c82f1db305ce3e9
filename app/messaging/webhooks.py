"""POST /webhooks/openphone: who signed it is checked, it is kept as it came, and 200 is said.

Nothing is read of it here but its type; edge_jobs/webhooks.py does the rest. What is said in it is
never logged.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

import structlog
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from app import queues, shared_counts
from app.auth import open_to_all
from app.clients import clients
from app.errors import AppError, unavailable
from app.integrations.openphone_events import delivery_id
from app.integrations.openphone_fields import safe
from app.integrations.openphone_signature import BadSignature, Verified, verify
from app.messaging.together import Together
from app.metrics import WEBHOOKS

log = structlog.get_logger(__name__)

PROVIDER = "openphone"
# Longer ids than this no vendor gives, and no index takes.
LONGEST_ID = 200
LONGEST_TYPE = 100
# 403, not 401: there is nothing to sign in with, and 401 counts against the address until it is
# answered 429, which would cost a vendor with one wrong key all its other deliveries.
SAID = {
    "method": (405, "method_not_allowed", "Webhooks are POSTed."),
    "media_type": (415, "unsupported_media_type", "A webhook is application/json."),
    "unsigned": (403, "invalid_signature", "The webhook carries no signature."),
    "malformed": (403, "invalid_signature", "The signature is not of the form it should have."),
    "no_key": (403, "invalid_signature", "No key of this scheme is known here."),
    "wrong": (403, "invalid_signature", "No key known here made this signature."),
    "stale": (403, "invalid_signature", "It was signed more than five minutes from now."),
    "not_json": (400, "bad_request", "The body is no JSON object in UTF-8."),
}

webhooks = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@webhooks.route("/openphone", methods=["GET", "PUT", "PATCH", "DELETE"])
@open_to_all
def not_that_way() -> NoReturn:
    _refuse("method", headers={"Allow": "POST"})


@webhooks.post("/openphone")
@open_to_all
def openphone() -> ResponseReturnValue:
    """200 only when it is in the database: whatever else is answered, the vendor sends it again."""
    raw = _body()
    verified = _verified(raw)
    payload = _parsed(raw)
    is_new = _keep(verified, payload, raw)
    WEBHOOKS.labels(PROVIDER, "kept" if is_new else "known").inc()
    return jsonify(status="ok")


def _body() -> bytes:
    if request.mimetype != "application/json":
        _refuse("media_type")
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        _count("too_large")
        raise


def _verified(raw: bytes) -> Verified:
    keys = clients().config.webhook_keys
    if not keys or not clients().config.webhook_inbox_key:
        _count("no_settings")
        log.error("webhooks_not_set_up")
        raise unavailable("webhooks_not_set_up", "The webhook inbox", retry_after_s=60)
    try:
        return verify(raw, dict(request.headers), now_s=time.time(), keys=keys)
    except BadSignature as error:
        _refuse(error.reason)


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(raw.decode())
    except (ValueError, RecursionError):
        _refuse("not_json")
    if not isinstance(payload, dict):
        _refuse("not_json")
    return payload


def _keep(verified: Verified, payload: dict[str, Any], raw: bytes) -> bool:
    """True when it is new. Raises AppError 503, whatever is wrong with us."""
    known_by = verified.delivery_id or delivery_id(payload, raw)
    event = {
        "event_id": known_by if len(known_by) <= LONGEST_ID else delivery_id({}, raw),
        "scheme": verified.scheme,
        "type": safe(str(payload.get("type")))[:LONGEST_TYPE],
        "body": raw.decode(),
    }
    try:
        return INBOX.do(event)
    except AppError as error:
        _count("not_kept")
        log.error("webhook_not_kept", code=error.code)
        raise unavailable("database_unavailable", "The webhook inbox") from error


def _receive(events: Sequence[Mapping[str, str]]) -> Sequence[bool]:
    """In one transaction, and one ring for all. Which of them are new."""
    key = clients().config.webhook_inbox_key
    kept: list[bool] = clients().inbox.inbox(
        key, "receive_webhooks", p_provider=PROVIDER, p_events=list(events)
    )
    queues.ring_unless_waiting(clients().limits, queues.apply_webhooks(now=datetime.now(UTC)))
    return kept


# One a process: a burst costs the database few calls.
INBOX = Together(_receive, "The webhook inbox")


def _refuse(reason: str, headers: dict[str, str] | None = None) -> NoReturn:
    _count(reason)
    log.warning("webhook_refused", reason=reason)
    status, code, detail = SAID[reason]
    raise AppError(status, code, detail, headers=headers)


def _count(reason: str) -> None:
    WEBHOOKS.labels(PROVIDER, reason).inc()
    day = datetime.now(UTC).date().isoformat()
    shared_counts.webhook_refused(clients().limits, PROVIDER, reason, day)
