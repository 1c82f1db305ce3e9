"""Takes a file in: into the bucket, then into the table, then the bell. The row is the record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import structlog
from werkzeug.datastructures import FileStorage

from app import queues
from app.auth import User
from app.clients import Clients
from app.db import Row
from app.errors import AppError
from app.idempotency import Attempt
from app.imports.upload import base_name, chunks, inspect, object_name

log = structlog.get_logger(__name__)

BUCKET = "imports"


class Intake:
    """One file that was handed in. Raises AppError when the file or the caller is refused."""

    def __init__(self, held: Clients, user: User, form: dict[str, Any]) -> None:
        self._held = held
        self._user = user
        self._form = form
        self._file: FileStorage = form["file"]
        named = form["location_id"]
        self._location_id: str = held.database.rpc(
            user.token, "import_location", p_location_id=str(named) if named else None
        )
        self._digest = inspect(self._file.stream)
        if self._digest.size_bytes > held.config.upload_limit_bytes:
            raise _too_large(held.config.upload_limit_bytes)

    @property
    def parts(self) -> dict[str, Any]:
        """What is asked for; two requests with the same parts ask for the same."""
        told = {"filename": self._file.filename, "sha256": self._digest.sha256}
        return self._form | {"file": told}

    def take(self, attempt: Attempt) -> Row:
        """The new row of `imports`, or the one an earlier attempt has made."""
        import_id = attempt.resource_id
        path = f"{self._location_id}/{import_id}/{object_name(self._file.filename or '')}"
        arguments = self._arguments(import_id, path)
        row = self._made_before(arguments) if attempt.again else None
        if row is None:
            self._store(path)
            row = self._record(path, arguments)
        ring = queues.run_import(import_id, now=datetime.now(UTC))
        queues.ring(self._held.redis, ring)
        return row

    def _arguments(self, import_id: str, path: str) -> dict[str, Any]:
        return {
            "p_id": import_id,
            "p_location_id": self._location_id,
            "p_file_path": path,
            "p_filename": base_name(self._file.filename or ""),
            "p_size_bytes": self._digest.size_bytes,
            "p_sha256": self._digest.sha256,
            "p_list_name": self._form["list_name"].strip(),
            "p_tier": self._form.get("tier"),
            "p_duplicates": self._form["duplicates"],
            "p_consent": self._form["consent"],
        }

    def _made_before(self, arguments: dict[str, Any]) -> Row | None:
        """An object is there whole or not at all, so a file that is there is this one."""
        try:
            return self._create(arguments)
        except AppError as error:
            if error.code == "file_missing":
                return None
            raise

    def _create(self, arguments: dict[str, Any]) -> Row:
        row: Row = self._held.database.rpc(self._user.token, "create_import", **arguments)
        return row

    def _store(self, path: str) -> None:
        self._held.storage.upload(
            self._user.token,
            BUCKET,
            path,
            chunks(self._file.stream),
            size_bytes=self._digest.size_bytes,
            # What a browser calls a CSV depends on what is installed beside it; we have looked.
            media_type="text/csv",
        )

    def _record(self, path: str, arguments: dict[str, Any]) -> Row:
        try:
            return self._create(arguments)
        except AppError as error:
            # Without an answer the row may be there all the same, and then it needs its file.
            if error.status < 500:
                self._remove(path)
            raise

    def _remove(self, path: str) -> None:
        try:
            self._held.storage.remove(self._user.token, BUCKET, path)
        except AppError as error:
            # The folder finds it; the file's name may be somebody's.
            folder = path.rpartition("/")[0]
            log.warning("upload_left_behind", folder=folder, code=error.code)


def _too_large(limit_bytes: int) -> AppError:
    limit_mb = limit_bytes // (1024 * 1024)
    detail = f"The file is larger than the {limit_mb} MB allowed. Split it and try again."
    return AppError(413, "payload_too_large", detail)
