"""PostgREST as the caller: one shared pool, a fresh client with the caller's own token per call.

Rights are decided by Postgres; this file only carries the token there and the refusal back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import httpx
import structlog
from postgrest import SyncPostgrestClient, SyncSelectRequestBuilder
from postgrest.exceptions import APIError

from app import passage
from app.errors import (
    AppError,
    FieldError,
    expired_token,
    invalid_token,
    not_found,
    signed_out,
    unavailable,
)

log = structlog.get_logger(__name__)

Row = dict[str, Any]

RAISED_BY_US = re.compile(r"PT([45]\d\d)")
CODE_TOKEN = re.compile(r"[a-z][a-z0-9_]*")
# A sentence of ours that begins in lower case begins with the field's name: "p_email is no …".
FIELD = re.compile(r"(?:p_)?([a-z][a-z0-9_]*) ")
RETRY_AFTER_S = {"request_in_progress": 2, "sent_just_now": 60}
API_KEY = re.compile(r"aac_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")
# SQLSTATE or PostgREST code (by its beginning) → status, code, detail. What is not here is a defect
# of ours. https://postgrest.org/en/v12/references/errors.html, read 2026-11-20
KNOWN = (
    ("23505", 409, "already_exists", "This exists already."),
    ("42501", 403, "not_permitted", "Your role does not allow this."),
    ("23503", 422, "invalid_value", "A value points to something that does not exist."),
    ("23514", 422, "invalid_value", "A value is not allowed here."),
    ("23502", 422, "invalid_value", "A value is missing."),
    ("22", 422, "invalid_value", "A value has the wrong form."),
    ("PGRST103", 416, "invalid_range", "There are not that many rows."),
    ("PGRST116", 404, "not_found", not_found().detail),
)
SIGNED_OUT = ("PGRST301", "PGRST302", "PGRST303")
JWT_EXPIRED = "JWT expired"
# Connection exceptions, out of resources, operator intervention (shutdown, statement timeout),
# deadlocks, PostgREST without a database or a free connection, and a gateway that answers for it.
AWAY = ("08", "53", "57", "40", "PGRST000", "PGRST001", "PGRST002", "PGRST003", "50")


TIMEOUT = httpx.Timeout(60, connect=3, pool=5)
# Who waits for the inbox gives up after ten seconds, and then sends again.
INBOX_TIMEOUT = httpx.Timeout(7, connect=2, pool=2)


def http_client(timeout: httpx.Timeout = TIMEOUT) -> httpx.Client:
    """A pool to be shared by many calls; it must never hold anybody's token."""
    return httpx.Client(
        timeout=timeout,
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
    )


def is_api_key(credential: str) -> bool:
    """Is it meant as one of our API keys? Whether it is one is asked of Postgres."""
    return credential.startswith("aac_")


def auth_headers(key: str, token: str = "") -> dict[str, str]:
    """The headers Supabase's gateway expects, and the id our audit log keeps of the request.

    An `sb_…` key is no JWT and stands alone in `apikey`; the gateway puts the role's JWT in. An API
    key of ours comes beside it: PostgREST asks door.check_request what it is.
    """
    headers = {"apikey": key}
    if is_api_key(token):
        headers["X-Api-Key"] = token
    elif token and not token.startswith("sb_"):
        headers["Authorization"] = f"Bearer {token}"
    passing = passage.current()
    if passing:
        headers["X-Request-Id"] = passing.request_id
    return headers


class Database:
    """Calls to PostgREST. Every method raises AppError and nothing else when it is refused."""

    def __init__(self, supabase_url: str, key: str, http: httpx.Client) -> None:
        self._url = f"{supabase_url}/rest/v1"
        self._key = key
        self._http = http

    def close(self) -> None:
        """Its pool, for all who share it."""
        self._http.close()

    def rpc(self, token: str, name: str, **params: Any) -> Any:
        """What the SQL function returns, as JSON."""
        builder = self._client(token).rpc(name, params)
        return _execute(f"rpc {name}", lambda: builder.execute().data)

    def inbox(self, inbox_key: str, name: str, **params: Any) -> Any:
        """What the SQL function returns to whoever shows the key of the webhook inbox."""
        headers = auth_headers(self._key) | {"X-Inbox-Key": inbox_key}
        builder = self._with(headers).rpc(name, params)
        return _execute(f"rpc {name}", lambda: builder.execute().data)

    def row(self, token: str, table: str, columns: str, **equal: str) -> Row:
        """The one row with the given values. Raises AppError 404 when the caller sees none."""
        found = self.rows(token, table, columns, equal, limit=1)
        if not found:
            raise not_found()
        return found[0]

    def rows(
        self,
        token: str,
        table: str,
        columns: str,
        equal: Mapping[str, str],
        *,
        order: str = "",
        after: int | None = None,
        limit: int = 1000,
    ) -> list[Row]:
        """Rows that match `equal`; with `order` sorted by it, and from the one after `after` on."""
        select = self._client(token).from_(table).select(columns)
        for column, value in equal.items():
            select = select.eq(column, value)
        if after is not None:
            select = select.gt(order, after)
        if order:
            select = select.order(order)
        return _fetch(table, select.limit(limit))

    def _client(self, token: str) -> SyncPostgrestClient:
        return self._with(auth_headers(self._key, token))

    def _with(self, headers: dict[str, str]) -> SyncPostgrestClient:
        return SyncPostgrestClient(
            self._url,
            headers=headers,
            http_client=self._http,
            # Its retries sleep for seconds inside our request; the caller is told to try again.
            retry_enabled=False,
        )


def _fetch(table: str, select: SyncSelectRequestBuilder) -> list[Row]:
    rows: list[Row] = _execute(f"select {table}", lambda: select.execute().data)
    return rows


def _execute(what: str, send: Callable[[], Any]) -> Any:
    try:
        return send()
    except APIError as error:
        _refuse(what, error)
    except httpx.HTTPError as error:
        log.warning("database_unavailable", call=what, error=type(error).__name__)
        raise unavailable("database_unavailable", "The database") from error


def _refuse(what: str, error: APIError) -> NoReturn:
    """Raises what the caller is told. Only errors raised by our own SQL keep their words."""
    sqlstate = error.code or ""
    raised = RAISED_BY_US.fullmatch(sqlstate)
    if raised:
        raise _raised_by_us(int(raised[1]), error) from error
    if sqlstate in SIGNED_OUT:
        raise (expired_token() if error.message == JWT_EXPIRED else invalid_token()) from error
    for beginning, status, code, detail in KNOWN:
        if sqlstate.startswith(beginning):
            log.info("database_refused", call=what, sqlstate=sqlstate)
            raise AppError(status, code, detail) from error
    # Hosted gateways answer for a database that is away with a message and no code at all.
    if not sqlstate or sqlstate.startswith(AWAY):
        log.warning("database_unavailable", call=what, sqlstate=sqlstate)
        raise unavailable("database_unavailable", "The database") from error
    log.error("database_error", call=what, sqlstate=sqlstate)
    detail = "Something went wrong on our side. Give support the request id."
    raise AppError(500, "internal_error", detail) from error


def _raised_by_us(status: int, error: APIError) -> AppError:
    """The same body that Flask's own refusals have: a field's name apart, the headers set."""
    code = error.message if CODE_TOKEN.fullmatch(error.message or "") else None
    said = " ".join(str(part) for part in (error.details, error.hint) if part)
    if status == 401:
        return signed_out(code or "invalid_token", said or invalid_token().detail)
    field = FIELD.match(said) if status == 422 else None
    seconds = RETRY_AFTER_S.get(code or "")
    return AppError(
        status,
        code or "refused",
        said.removeprefix("p_") or "This is not possible.",
        errors=[FieldError(field[1], said.removeprefix("p_"))] if field else (),
        headers={"Retry-After": str(seconds)} if seconds else None,
    )
