"""/api/v1/opt-outs.csv: who may not be texted, and by whose word, as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from app import csv_out
from app.auth import User, caller
from app.clients import clients
from app.db import Database, Row
from app.openapi import ApiBlueprint

opt_outs = ApiBlueprint(
    "opt_outs", __name__, url_prefix="/api/v1", description="Who may not be texted."
)

PAGE_ROWS = 1000
COLUMNS = (
    *("phone", "name", "opted_out_at", "method", "keyword", "channel", "note"),
    *("revoked_at", "revoked_reason", "recorded_by"),
)
FILE = ",".join(COLUMNS) + "\r\n'+16175550123,Ann Sample,2026-11-20T17:00:00+00:00,keyword,STOP\r\n"


class OptOutsQuery(Schema):
    location_id = fields.UUID(required=True)


class OptOutsFile:
    """The first page is read at once, so that a refusal is still an answer and not half a file."""

    def __init__(self, database: Database, user: User, location_id: str) -> None:
        self._database = database
        self._token = user.token
        self._location = location_id
        database.rpc(user.token, "begin_export", p_kind="opt_outs", p_subject=location_id)
        self._first = self._page()

    def lines(self) -> Iterator[str]:
        yield csv_out.line(COLUMNS)
        page = self._first
        while page:
            yield "".join(csv_out.line(row[column] for column in COLUMNS) for row in page)
            last = page[-1]
            # A refusal half-way breaks the answer off: half a file must not look whole.
            page = self._page(last) if len(page) == PAGE_ROWS else []

    def _page(self, last: Row | None = None) -> list[Row]:
        after = {"p_before": last["opted_out_at"], "p_after": last["id"]} if last else {}
        rows: list[Row] = self._database.rpc(
            self._token, "list_opt_outs", p_location=self._location, p_limit=PAGE_ROWS, **after
        )
        return rows


@opt_outs.get("/opt-outs.csv")
@opt_outs.arguments(OptOutsQuery, location="query")
@opt_outs.response(200, {"type": "string"}, content_type="text/csv", example=FILE)
@opt_outs.problems("scope_missing", "not_permitted", "second_factor_required", "invalid_request")
def download(query: dict[str, Any]) -> ResponseReturnValue:
    """Every opt-out of a location, newest first, those that ended as well.

    Each download is recorded, in `exports`: people's data leaves the house.
    """
    file = OptOutsFile(clients().database, caller(), str(query["location_id"]))
    return Response(
        file.lines(),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="opt-outs.csv"'},
    )
