"""Idempotency-Key: a POST that creates, sent twice, creates once and answers the same.

Postgres keeps each key for 24 hours: the id under which the first request makes its row, so that a
retry after a crash finds it, and its answer, encrypted with the key itself. Only success is
remembered. A refusal (4xx) has made nothing and frees the key, also for a corrected body; after a
failure (5xx) the next request with the key goes on where the first one stopped.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import request

from app.auth import User, caller
from app.clients import clients
from app.db import Database, Row
from app.errors import AppError, invalid_field

log = structlog.get_logger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY = re.compile(r"[!-~]{1,255}")
NONCE_BYTES = 12
# What a route that honours the header may answer because of it.
REFUSALS = ("invalid_idempotency_key", "request_in_progress", "idempotency_key_reused")
ANSWERS = {
    REPLAYED: {
        "schema": {"type": "string", "enum": ["true"]},
        "description": "This answer was given before to the same Idempotency-Key.",
    }
}


@dataclass(frozen=True)
class Attempt:
    """resource_id becomes the new row's; `again`: an earlier attempt may have made it already."""

    resource_id: str
    again: bool = False


class Made(NamedTuple):
    """What a view answers with; `row` has a location_id."""

    row: Row
    status: int
    headers: dict[str, str]


def once(
    parts: Mapping[str, Any], make: Callable[[Attempt], Made]
) -> tuple[Row, int, dict[str, str]]:
    """What `make` answers, or answered before. `parts` says what is asked for, files by digest.

    Raises what `make` raises, and AppError 400, 409 or 422 because of the key (REFUSALS).
    """
    key = _given_key()
    if key is None:
        made = make(Attempt(str(uuid.uuid4())))
    else:
        made = _Keyed(clients().database, caller(), key).run(_fingerprint(parts), make)
    return made.row, made.status, made.headers


def _given_key() -> str | None:
    key = request.headers.get(HEADER)
    if key is not None and not KEY.fullmatch(key):
        words = f"{HEADER} must be 1 to 255 visible ASCII characters."
        raise invalid_field(HEADER, "invalid_idempotency_key", words, status=400)
    return key


def _fingerprint(parts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class _Keyed:
    """One request that carries a key."""

    def __init__(self, database: Database, user: User, key: str) -> None:
        self._database = database
        self._user = user
        self._hash = hashlib.sha256(key.encode()).hexdigest()
        # Only its hash is stored, so what is sealed with it is opened by nobody but the client.
        derived = HKDF(SHA256(), 32, salt=user.id.encode(), info=b"answer").derive(key.encode())
        self._seal = AESGCM(derived)

    def run(self, fingerprint: str, make: Callable[[Attempt], Made]) -> Made:
        route = f"{request.method} {request.url_rule}"
        begun = self._rpc("begin_request", p_route=route, p_fingerprint=fingerprint)
        if "answer" in begun:
            return self._opened(begun["answer"])
        attempt = begun["attempt"]
        try:
            made = make(Attempt(begun["resource_id"], again=attempt > 1))
        except AppError as error:
            self._note("abandon_request", p_attempt=attempt, p_refused=error.status < 500)
            raise
        self._note(
            "finish_request",
            p_attempt=attempt,
            p_status=made.status,
            p_answer=self._sealed(made),
            p_location=made.row["location_id"],
        )
        return made

    def _sealed(self, made: Made) -> str:
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._seal.encrypt(nonce, json.dumps(made).encode(), self._hash.encode())
        return base64.b64encode(nonce + sealed).decode()

    def _opened(self, answer: str) -> Made:
        raw = base64.b64decode(answer)
        text = self._seal.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], self._hash.encode())
        row, status, headers = json.loads(text)
        return Made(row, status, {**headers, REPLAYED: "true"})

    def _note(self, name: str, **told: Any) -> None:
        """What is done is done: that it could not be written down changes no answer.

        The next request with the key finds, when the lease has ended, what this one has made.
        """
        try:
            self._rpc(name, **told)
        except AppError as error:
            log.warning("idempotency_not_noted", call=name, code=error.code)

    def _rpc(self, name: str, **told: Any) -> Any:
        return self._database.rpc(self._user.token, name, p_key_hash=self._hash, **told)
