"""Uploads: the right is tried, the bytes are taken, the row is written under the caller's role."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web
from psycopg.types.json import Jsonb

from devstack.gateway.auth_rows import moment
from devstack.gateway.callers import caller_of
from devstack.gateway.database import Connection, become, fetch_one
from devstack.gateway.keys import DATABASE, SETTINGS
from devstack.gateway.storage_bodies import Upload, receive_body
from devstack.gateway.storage_buckets import bucket_row
from devstack.gateway.storage_errors import duplicate
from devstack.gateway.storage_files import Received, discard
from devstack.gateway.storage_names import object_of

INSERT = (
    "insert into storage.objects"
    " (id, bucket_id, name, owner, owner_id, metadata, user_metadata, version)"
    " values (%(id)s, %(bucket)s, %(name)s, %(owner)s::uuid, %(owner)s::text, %(metadata)s,"
    " %(user_metadata)s, %(version)s)"
)
UPSERT = INSERT + (
    " on conflict (bucket_id, name) do update set metadata = excluded.metadata,"
    " version = excluded.version, user_metadata = excluded.user_metadata, owner = excluded.owner,"
    " owner_id = excluded.owner_id, updated_at = now()"
)


async def create(request: web.Request) -> web.Response:
    return await _take(request, upsert=request.headers.get("x-upsert", "").lower() == "true")


async def replace(request: web.Request) -> web.Response:
    return await _take(request, upsert=True)


async def _take(request: web.Request, *, upsert: bool) -> web.Response:
    bucket, name = object_of(request)
    upload = Upload(bucket, name, upsert, caller_of(request, request.app[SETTINGS]))
    object_id = await take(request, upload)
    return web.json_response({"Id": object_id, "Key": f"{bucket}/{name}"})


async def take(request: web.Request, upload: Upload) -> str:
    """The id of the object that the body has become."""
    async with request.app[DATABASE].admin() as connection:
        bucket = await bucket_row(connection, upload.bucket)
    limit = min(bucket["file_size_limit"] or 1 << 62, request.app[SETTINGS].file_size_limit)
    await try_right(request, upload)
    folder = request.app[SETTINGS].storage_dir
    received = await receive_body(request, upload, limit, bucket["allowed_mime_types"])
    try:
        object_id, replaced = await _write_row(request, upload, received)
    except BaseException:
        discard(folder, received.version)
        raise
    discard(folder, replaced)
    return object_id


async def try_right(request: web.Request, upload: Upload) -> None:
    """Writes the row and takes it back, so that nobody sends 300 MB in vain."""
    async with (
        request.app[DATABASE].admin() as connection,
        connection.transaction(force_rollback=True),
    ):
        await _insert(connection, upload, None)


async def _write_row(
    request: web.Request, upload: Upload, received: Received
) -> tuple[str, str | None]:
    """(object id, the version that was replaced)."""
    async with request.app[DATABASE].admin() as connection:
        return await _insert(connection, upload, received)


async def _insert(
    connection: Connection, upload: Upload, received: Received | None
) -> tuple[str, str | None]:
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{upload.bucket}/{upload.name}",)
    )
    old = await fetch_one(
        connection,
        "select id::text, version from storage.objects where bucket_id = %s and name = %s",
        (upload.bucket, upload.name),
    )
    if old is not None and not upload.upsert:
        raise duplicate()
    await become(connection, upload.caller)
    object_id = str(old["id"]) if old else str(uuid4())
    values = {
        "id": object_id,
        "bucket": upload.bucket,
        "name": upload.name,
        "owner": upload.caller.user_id,
        "version": received.version if received else None,
        "metadata": Jsonb(_metadata(upload, received) if received else {}),
        "user_metadata": Jsonb(upload.user_metadata),
    }
    await connection.execute(UPSERT if upload.upsert else INSERT, values)
    return object_id, old["version"] if old else None


def _metadata(upload: Upload, received: Received) -> dict[str, Any]:
    return {
        "eTag": received.etag,
        "size": received.size,
        "mimetype": upload.content_type,
        "cacheControl": upload.cache_control,
        "lastModified": moment(datetime.now(UTC)),
        "contentLength": received.size,
        "httpStatusCode": 200,
    }
