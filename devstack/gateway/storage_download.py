"""Downloads, from disk to socket; ranges and HEAD are aiohttp's FileResponse."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web

from devstack.gateway.auth_rows import moment
from devstack.gateway.database import Connection, fetch_one
from devstack.gateway.keys import DATABASE, SETTINGS, as_caller
from devstack.gateway.storage_buckets import bucket_row
from devstack.gateway.storage_errors import no_bucket, no_object
from devstack.gateway.storage_files import path_of
from devstack.gateway.storage_names import object_of

OBJECT = "select * from storage.objects where bucket_id = %s and name = %s"


async def object_row(connection: Connection, bucket: str, name: str) -> dict[str, Any]:
    row = await fetch_one(connection, OBJECT, (bucket, name))
    if row is None:
        raise no_object()
    return row


async def private(request: web.Request) -> web.StreamResponse:
    return send(request, await _seen_by_caller(request))


async def info(request: web.Request) -> web.StreamResponse:
    return _describe(await _seen_by_caller(request))


async def public(request: web.Request) -> web.StreamResponse:
    return send(request, await _in_public_bucket(request))


async def public_info(request: web.Request) -> web.StreamResponse:
    return _describe(await _in_public_bucket(request))


async def _seen_by_caller(request: web.Request) -> dict[str, Any]:
    bucket, name = object_of(request)
    async with as_caller(request) as connection:
        return await object_row(connection, bucket, name)


async def _in_public_bucket(request: web.Request) -> dict[str, Any]:
    bucket, name = object_of(request)
    async with request.app[DATABASE].admin() as connection:
        if not (await bucket_row(connection, bucket))["public"]:
            raise no_bucket()
        return await object_row(connection, bucket, name)


def send(request: web.Request, row: dict[str, Any]) -> web.StreamResponse:
    """`?download` makes a browser save the file, `?download=x.csv` under another name."""
    path = path_of(request.app[SETTINGS].storage_dir, row["version"] or "-")
    if not path.is_file():
        raise no_object()
    metadata = row["metadata"] or {}
    headers = {
        "Content-Type": metadata.get("mimetype", "application/octet-stream"),
        "Cache-Control": metadata.get("cacheControl", "no-cache"),
    }
    if "download" in request.query:
        headers["Content-Disposition"] = _attachment(request.query["download"])
    return web.FileResponse(path, headers=headers)


def _attachment(name: str) -> str:
    return (
        f"attachment; filename={quote(name)}; filename*=UTF-8''{quote(name)};"
        if name
        else "attachment"
    )


def _describe(row: dict[str, Any]) -> web.Response:
    metadata = row["metadata"] or {}
    return web.json_response(
        {
            "id": str(row["id"]),
            "name": row["name"],
            "version": row["version"],
            "bucket_id": row["bucket_id"],
            "size": metadata.get("size"),
            "content_type": metadata.get("mimetype"),
            "cache_control": metadata.get("cacheControl"),
            "etag": metadata.get("eTag"),
            "metadata": row["user_metadata"] or {},
            "last_modified": metadata.get("lastModified"),
            "created_at": moment(row["created_at"]),
        }
    )
