"""What the imports routes take and give. Rules about the values live in SQL."""

from __future__ import annotations

from typing import Any

from flask_smorest.fields import Upload
from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.datastructures import FileStorage

OUTCOMES = ("created", "updated", "unchanged", "skipped", "rejected")
STATUSES = ("uploaded", "reading", "importing", "done", "failed", "cancelled", "undone")


def _is_file(value: Any) -> None:
    if not isinstance(value, FileStorage) or not value.filename:
        raise ValidationError("Send the CSV file itself, with its file name.")


def _says_something(value: str) -> None:
    if not value.strip():
        raise ValidationError("Give the list a name.")


class NewImport(Schema):
    file = Upload(
        required=True, validate=_is_file, metadata={"description": "The CSV file as exported."}
    )
    list_name = fields.String(
        required=True,
        validate=_says_something,
        metadata={"description": "Name of the list the people join.", "example": "Leominster"},
    )
    tier = fields.String(
        validate=validate.OneOf(["campaign", "database"]),
        metadata={"description": "campaign: people to write to; database: properties to know."},
    )
    duplicates = fields.String(
        load_default="merge",
        validate=validate.OneOf(["merge", "replace", "skip"]),
        metadata={"description": "What happens to what is known already."},
    )
    consent = fields.String(
        load_default="unknown",
        validate=validate.OneOf(["unknown", "express", "written"]),
        metadata={"description": "Consent the list's people gave; unknown is not sendable."},
    )
    location_id = fields.UUID(
        load_default=None,
        allow_none=False,
        metadata={"description": "Needed by those who work at several locations."},
    )


class RowsQuery(Schema):
    outcome = fields.String(
        validate=validate.OneOf(OUTCOMES), metadata={"description": "Only rows that ended so."}
    )


class ImportWarning(Schema):
    code = fields.String(required=True, metadata={"example": "same_file"})
    message = fields.String(required=True)
    import_id = fields.String(metadata={"description": "same_file: the earlier import."})


def _text(description: str) -> fields.String:
    return fields.String(allow_none=True, metadata={"description": description})


def _time() -> fields.String:
    return fields.String(allow_none=True, metadata={"format": "date-time"})


def _count(description: str = "") -> fields.Integer:
    metadata = {"description": description} if description else {}
    return fields.Integer(required=True, metadata=metadata)


class Import(Schema):
    """An import, column by column as the table `imports` has it."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    location_id = fields.String(required=True, metadata={"format": "uuid"})
    list_id = fields.String(allow_none=True, metadata={"format": "uuid"})
    list_name = fields.String(required=True)
    created_by = fields.String(allow_none=True, metadata={"format": "uuid"})
    filename = fields.String(required=True)
    size_bytes = _count()
    sha256 = fields.String(required=True)
    format = _text("The recognised format; null until the file was looked at.")
    tier = _text("campaign or database; null until known.")
    duplicates = fields.String(required=True)
    consent = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    header = fields.List(
        fields.String(), allow_none=True, metadata={"description": "Column names as in the file."}
    )
    warnings = fields.List(fields.Nested(ImportWarning), required=True)
    error = _text("Why it failed and what to do.")
    total_rows = fields.Integer(
        allow_none=True, metadata={"description": "Data rows; null until counted."}
    )
    ignored_rows = _count("Rows that are no data, such as a licence notice at the end.")
    processed_rows = _count()
    rejected_rows = _count()
    warned_rows = _count("Rows taken with a bad cell dropped.")
    properties_created = _count()
    properties_updated = _count()
    properties_unchanged = _count()
    contacts_created = _count("People with a number.")
    contacts_updated = _count()
    contacts_unchanged = _count()
    links_created = _count("Pairs of a house and a person, from phone slots.")
    links_updated = _count()
    links_unchanged = _count()
    list_members_created = _count()
    list_members_updated = _count()
    list_members_unchanged = _count()
    phoneless_created = _count("People without a number, counted apart.")
    phoneless_updated = _count()
    phoneless_unchanged = _count()
    phoneless_links_created = _count()
    phoneless_links_unchanged = _count()
    started_at = _time()
    finished_at = _time()
    created_at = _time()
    updated_at = _time()


ROWS = "row_no,outcome,reason,warnings,APN,Address\r\n2,rejected,No address.,,19-0221,\r\n"
IMPORT: dict[str, Any] = {name: 0 for name in Import().fields} | {
    "id": "5b1f7c9a-0e4d-4a36-8f21-d3c9b7a6e512",
    "location_id": "0d7c1f3a-6f0e-4d52-9d0c-2b8f1e5a7c11",
    "list_id": "c3a9e7d1-4f25-4b8a-9e60-7d1f0b2c8a34",
    "list_name": "Leominster",
    "created_by": "b4f0a8d2-5d1c-4b7e-9f39-61c2e7a0d845",
    "filename": "leominster.csv",
    "size_bytes": 482113,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "format": None,
    "tier": None,
    "duplicates": "merge",
    "consent": "unknown",
    "status": "uploaded",
    "header": None,
    "warnings": [],
    "error": None,
    "total_rows": None,
    "started_at": None,
    "finished_at": None,
    "created_at": "2026-11-21T15:04:05.123456+00:00",
    "updated_at": "2026-11-21T15:04:05.123456+00:00",
}
