"""/api/v1/imports: hand in a property list, see how it goes, get every row's outcome, stop it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from app.auth import caller
from app.clients import clients
from app.imports.intake import take_in
from app.imports.report import RowsReport
from app.imports.schemas import COLUMNS, Import, NewImport, RowsQuery
from app.openapi import ApiBlueprint

imports = ApiBlueprint(
    "imports", __name__, url_prefix="/api/v1/imports", description="Property lists coming in."
)


@imports.post("")
@imports.arguments(NewImport, location="multipart")
@imports.response(202, Import, headers={"Location": {"schema": {"type": "string"}}})
@imports.problems(401, 403, 413, 415, 422, 503)
def create(form: dict[str, Any]) -> ResponseReturnValue:
    """Hand in a file.

    Answers as soon as the file is stored; a worker reads it afterwards. The same file again is
    taken with a warning.
    """
    row = take_in(clients(), caller(), form)
    return row, 202, {"Location": url_for("imports.show", import_id=row["id"])}


@imports.get("/<uuid:import_id>")
@imports.response(200, Import)
@imports.problems(401, 404, 503)
def show(import_id: UUID) -> ResponseReturnValue:
    """How far an import is, and in the end its counts."""
    return clients().database.row(caller().token, "imports", COLUMNS, id=str(import_id))


@imports.get("/<uuid:import_id>/rows.csv")
@imports.arguments(RowsQuery, location="query")
@imports.response(200, {"type": "string"}, content_type="text/csv")
@imports.problems(401, 404, 422, 503)
def rows(query: dict[str, Any], import_id: UUID) -> ResponseReturnValue:
    """Every row's outcome, with the original cells where something was refused or dropped."""
    report = RowsReport(clients().database, caller(), str(import_id), query.get("outcome"))
    name = f"import-{import_id}-{query.get('outcome', 'rows')}.csv"
    return Response(
        report.lines(),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@imports.post("/<uuid:import_id>/cancel")
@imports.response(200, Import)
@imports.problems(401, 404, 409, 503)
def cancel(import_id: UUID) -> ResponseReturnValue:
    """Stop an import that is not finished. Rows already imported stay."""
    row: dict[str, Any] = clients().database.rpc(
        caller().token, "cancel_import", p_import=str(import_id)
    )
    return row
