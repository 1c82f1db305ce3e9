"""Bodies of uploads: the raw bytes, or the form that browsers send."""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, MultipartReader, web

from devstack.gateway.callers import Caller
from devstack.gateway.keys import SETTINGS
from devstack.gateway.storage_errors import StorageError, invalid, too_large
from devstack.gateway.storage_files import Received, discard, receive

CHUNK = 1 << 18
MAX_FIELD = 1 << 16


@dataclass
class Upload:
    bucket: str
    name: str
    upsert: bool
    caller: Caller
    content_type: str = "application/octet-stream"
    cache_control: str = "no-cache"
    user_metadata: dict[str, Any] | None = None


async def receive_body(
    request: web.Request, upload: Upload, limit: int, allowed: list[str] | None
) -> Received:
    folder = request.app[SETTINGS].storage_dir
    if request.content_type == "multipart/form-data":
        return await _receive_form(await request.multipart(), upload, limit, allowed, folder)
    if request.content_length is not None and request.content_length > limit:
        raise too_large()
    upload.content_type = request.headers.get("Content-Type", upload.content_type)
    upload.cache_control = request.headers.get("Cache-Control", upload.cache_control)
    if encoded := request.headers.get("x-metadata"):
        upload.user_metadata = _as_metadata(base64.b64decode(encoded))
    _check_type(upload.content_type, allowed)
    return await receive(folder, request.content.iter_chunked(CHUNK), limit)


async def _receive_form(
    form: MultipartReader, upload: Upload, limit: int, allowed: list[str] | None, folder: Path
) -> Received:
    received: Received | None = None
    try:
        while (part := await form.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise invalid("nested multipart bodies are not taken")
            if part.filename is None:
                await _read_field(part, upload)
            elif received is None:
                upload.content_type = part.headers.get("Content-Type") or _guess(upload.name)
                _check_type(upload.content_type, allowed)
                received = await receive(folder, _chunks(part), limit)
    except BaseException:
        discard(folder, received.version if received else None)
        raise
    if received is None:
        raise invalid("No file provided")
    return received


async def _read_field(part: BodyPartReader, upload: Upload) -> None:
    value = await part.read_chunk(MAX_FIELD)
    if part.name == "cacheControl":
        upload.cache_control = f"max-age={value.decode(errors='replace').removeprefix('max-age=')}"
    elif part.name == "metadata":
        upload.user_metadata = _as_metadata(value)
    await part.release()


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK):
        yield chunk


def _as_metadata(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise invalid("metadata is no JSON") from error
    if not isinstance(value, dict):
        raise invalid("metadata must be a JSON object")
    return value


def _guess(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _check_type(content_type: str, allowed: list[str] | None) -> None:
    essence = content_type.partition(";")[0].strip().lower()
    family = essence.partition("/")[0] + "/*"
    if allowed and essence not in allowed and family not in allowed and "*/*" not in allowed:
        raise StorageError(
            415,
            "invalid_mime_type",
            f"mime type {content_type} is not supported",
            "InvalidMimeType",
        )
