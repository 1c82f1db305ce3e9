"""Takes a file in: into the bucket, then into the table, then the bell. The row is the record."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import structlog
from werkzeug.datastructures import FileStorage

from app import queues
from app.auth import User
from app.clients import Clients
from app.db import Row
from app.errors import AppError
from app.imports.upload import Digest, base_name, chunks, inspect, object_name

log = structlog.get_logger(__name__)

BUCKET = "imports"


def take_in(held: Clients, user: User, form: dict[str, Any]) -> Row:
    """The new row of `imports`. Raises AppError when the file or the caller is refused."""
    file: FileStorage = form["file"]
    named = form["location_id"]
    location_id = held.database.rpc(
        user.token, "import_location", p_location_id=str(named) if named else None
    )
    digest = inspect(file.stream)
    if digest.size_bytes > held.config.upload_limit_bytes:
        raise _too_large(held.config.upload_limit_bytes)
    import_id = str(uuid.uuid4())
    path = f"{location_id}/{import_id}/{object_name(file.filename or '')}"
    _store(held, user, file, path, digest)
    row = _record(held, user, path, _arguments(import_id, location_id, path, digest, form))
    queues.ring(held.redis, queues.run_import(import_id, now=datetime.now(UTC)))
    return row


def _store(held: Clients, user: User, file: FileStorage, path: str, digest: Digest) -> None:
    held.storage.upload(
        user.token,
        BUCKET,
        path,
        chunks(file.stream),
        size_bytes=digest.size_bytes,
        # What a browser calls a CSV depends on what is installed beside it; we have looked.
        media_type="text/csv",
    )


def _arguments(
    import_id: str, location_id: str, path: str, digest: Digest, form: dict[str, Any]
) -> dict[str, Any]:
    return {
        "p_id": import_id,
        "p_location_id": location_id,
        "p_file_path": path,
        "p_filename": base_name(form["file"].filename or ""),
        "p_size_bytes": digest.size_bytes,
        "p_sha256": digest.sha256,
        "p_list_name": form["list_name"].strip(),
        "p_tier": form.get("tier"),
        "p_duplicates": form["duplicates"],
        "p_consent": form["consent"],
    }


def _record(held: Clients, user: User, path: str, arguments: dict[str, Any]) -> Row:
    try:
        row: Row = held.database.rpc(user.token, "create_import", **arguments)
    except AppError as error:
        # Without an answer the row may be there all the same, and then it needs its file.
        if error.code != "database_unavailable":
            _remove(held, user, path)
        raise
    return row


def _remove(held: Clients, user: User, path: str) -> None:
    try:
        held.storage.remove(user.token, BUCKET, path)
    except AppError as error:
        log.warning("upload_left_behind", path=path, code=error.code)


def _too_large(limit_bytes: int) -> AppError:
    limit_mb = limit_bytes // (1024 * 1024)
    detail = f"The file is larger than the {limit_mb} MB allowed. Split it and try again."
    return AppError(413, "payload_too_large", detail)
