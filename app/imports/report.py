"""What became of each row of an import, as CSV, read page by page so no import is too long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app import csv_out
from app.auth import User
from app.db import Database, Row

PAGE_ROWS = 1000
COLUMNS = "row_no,outcome,reason,warnings,cells"


class RowsReport:
    """The first page is read at once, so that a refusal is still an answer and not half a file."""

    def __init__(self, database: Database, user: User, import_id: str, outcome: str | None) -> None:
        self._database = database
        self._token = user.token
        self._import_id = import_id
        filters = {"outcome": outcome} if outcome else {}
        self._equal = {"import_id": import_id} | filters
        self._header: list[str] = self._import("header")["header"] or []
        database.rpc(
            user.token, "begin_export", p_kind="import_rows", p_subject=import_id, p_filters=filters
        )
        self._first = self._page(after=None)

    def lines(self) -> Iterator[str]:
        yield csv_out.line(["row_no", "outcome", "reason", "warnings", *self._header])
        page = self._first
        while page:
            yield "".join(csv_out.line(_cells(row)) for row in page)
            page = self._next(page)

    def _next(self, page: list[Row]) -> list[Row]:
        if len(page) < PAGE_ROWS:
            return []
        following = self._page(page[-1]["row_no"])
        if not following:
            # Who may see it no more is refused here, which breaks the answer off: half a report
            # must not look whole.
            self._import("id")
        return following

    def _import(self, columns: str) -> Row:
        return self._database.row(self._token, "imports", columns, id=self._import_id)

    def _page(self, after: int | None) -> list[Row]:
        return self._database.rows(
            self._token,
            "import_rows",
            COLUMNS,
            self._equal,
            order="row_no",
            after=after,
            limit=PAGE_ROWS,
        )


def _cells(row: Row) -> list[Any]:
    warnings = "; ".join(_warning(warning) for warning in row["warnings"])
    return [row["row_no"], row["outcome"], row["reason"], warnings, *(row["cells"] or [])]


def _warning(warning: dict[str, Any]) -> str:
    """One warning, {column, code, message, value}, as a phrase."""
    column, message = warning.get("column"), warning.get("message") or warning.get("code")
    return f"{column}: {message}" if column else str(message)
