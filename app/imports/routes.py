"""/api/v1/imports: hand in a property list, see how it goes, get every row's outcome, stop it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from app import idempotency
from app.api_keys import refuse_programs
from app.auth import caller
from app.clients import clients
from app.idempotency import Attempt, Made, once
from app.imports.intake import Intake
from app.imports.report import RowsReport
from app.imports.schemas import IMPORT, ROWS, Import, NewImport, RowsQuery
from app.openapi import ApiBlueprint

imports = ApiBlueprint(
    "imports", __name__, url_prefix="/api/v1/imports", description="Property lists coming in."
)

LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where to follow it."}}
KEYS_CANNOT_UPLOAD = "An API key cannot upload files. Sign in as a person."


@imports.post("")
@imports.arguments(NewImport, location="multipart")
@imports.response(202, Import, example=IMPORT, headers=LOCATION | idempotency.ANSWERS)
@imports.idempotent
@imports.problems(
    *idempotency.REFUSALS,
    "not_permitted",
    "second_factor_required",
    "keys_cannot_upload",
    "already_exists",
    "bad_request",
    "payload_too_large",
    "unsupported_media_type",
    "invalid_request",
    "invalid_value",
    "location_required",
    "empty_file",
    "not_csv",
    "storage_unavailable",
)
def create(form: dict[str, Any]) -> ResponseReturnValue:
    """Hand in a file.

    Answers as soon as the file is stored; a worker reads it afterwards. The same file again is
    taken with a warning.
    """
    refuse_programs(caller(), "keys_cannot_upload", KEYS_CANNOT_UPLOAD)
    intake = Intake(clients(), caller(), form)

    def make(attempt: Attempt) -> Made:
        row = intake.take(attempt)
        return Made(row, 202, {"Location": url_for("imports.show", import_id=row["id"])})

    return once(intake.parts, make)


@imports.get("/<uuid:import_id>")
@imports.response(200, Import, example=IMPORT)
@imports.problems("scope_missing", "not_found")
def show(import_id: UUID) -> ResponseReturnValue:
    """How far an import is, and in the end its counts."""
    # The schema leaves out what is not for others. To name each column costs PostgREST 6 ms.
    return clients().database.row(caller().token, "imports", "*", id=str(import_id))


@imports.get("/<uuid:import_id>/rows.csv")
@imports.arguments(RowsQuery, location="query")
@imports.response(200, {"type": "string"}, content_type="text/csv", example=ROWS)
@imports.problems("scope_missing", "not_found", "invalid_request")
def rows(query: dict[str, Any], import_id: UUID) -> ResponseReturnValue:
    """Every row's outcome, with the original cells where something was refused or dropped.

    Each download is recorded, in `exports`: people's data leaves the house.
    """
    report = RowsReport(clients().database, caller(), str(import_id), query.get("outcome"))
    name = f"import-{import_id}-{query.get('outcome', 'rows')}.csv"
    return Response(
        report.lines(),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@imports.post("/<uuid:import_id>/cancel")
@imports.response(200, Import, example=IMPORT | {"status": "cancelled"})
@imports.problems("scope_missing", "not_found", "import_ended")
def cancel(import_id: UUID) -> ResponseReturnValue:
    """Stop an import that is not finished. Rows already imported stay."""
    row: dict[str, Any] = clients().database.rpc(
        caller().token, "cancel_import", p_import=str(import_id)
    )
    return row
