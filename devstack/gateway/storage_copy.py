"""Copies and moves: to copy is to see the source and add another, to move is to change it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web
from psycopg.types.json import Jsonb

from devstack.gateway.auth_rows import moment
from devstack.gateway.callers import caller_of
from devstack.gateway.database import Connection, fetch_one
from devstack.gateway.keys import DATABASE, SETTINGS, as_caller
from devstack.gateway.storage_buckets import bucket_row
from devstack.gateway.storage_download import object_row
from devstack.gateway.storage_errors import invalid, no_object, read_json
from devstack.gateway.storage_files import discard, link
from devstack.gateway.storage_names import check_bucket_name, check_object_name
from devstack.gateway.storage_objects import show

OVERRIDES = ("cacheControl", "mimetype")
INSERT = (
    "insert into storage.objects"
    " (id, bucket_id, name, owner, owner_id, metadata, user_metadata, version)"
    " values (%(id)s, %(bucket)s, %(name)s, %(owner)s::uuid, %(owner)s::text, %(metadata)s,"
    " %(user_metadata)s, %(version)s)"
)
# Without `returning`: who may add need not be able to see.
REPLACE = (
    "update storage.objects set metadata = %(metadata)s, user_metadata = %(user_metadata)s,"
    " version = %(version)s, owner = %(owner)s::uuid, owner_id = %(owner)s::text,"
    " updated_at = now() where bucket_id = %(bucket)s and name = %(name)s"
)
MOVE = (
    "update storage.objects set bucket_id = %s, name = %s, updated_at = now()"
    " where bucket_id = %s and name = %s"
)
STANDING = "select id, version from storage.objects where bucket_id = %s and name = %s"
WHOLE = "select * from storage.objects where bucket_id = %s and name = %s"
Place = tuple[str, str]


async def copy(request: web.Request) -> web.Response:
    body = await read_json(request)
    source, target = await _places(request, body)
    upsert = request.headers.get("x-upsert", "").lower() == "true"
    folder = request.app[SETTINGS].storage_dir
    async with as_caller(request) as connection:
        row = await object_row(connection, *source)
    version = link(folder, row["version"] or "-")
    try:
        made, replaced = await _add(request, target, _copied(body, row), version, upsert=upsert)
    except BaseException:
        discard(folder, version)
        raise
    discard(folder, replaced)
    return web.json_response(show(made) | {"Id": str(made["id"]), "Key": "/".join(target)})


async def move(request: web.Request) -> web.Response:
    body = await read_json(request)
    source, target = await _places(request, body)
    async with as_caller(request) as connection:
        await object_row(connection, *source)
        if not (await connection.execute(MOVE, (*target, *source))).rowcount:
            raise no_object()
    async with request.app[DATABASE].admin() as connection:
        moved = await object_row(connection, *target)
    answer = {"message": "Successfully moved", "Id": str(moved["id"]), "Key": target[1]}
    return web.json_response(answer)


async def _places(request: web.Request, body: dict[str, Any]) -> tuple[Place, Place]:
    """Where from and where to; raises when a key is missing or the other bucket does not exist."""
    for name in ("bucketId", "sourceKey", "destinationKey"):
        if not isinstance(body.get(name), str):
            raise invalid(f"body must have required property '{name}'")
    bucket = check_bucket_name(body["bucketId"])
    other = check_bucket_name(str(body.get("destinationBucket") or bucket))
    async with request.app[DATABASE].admin() as connection:
        await bucket_row(connection, other)
    return (bucket, body["sourceKey"]), (other, check_object_name(body["destinationKey"]))


def _copied(body: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """What is known of the copy: all that is known of the source, unless told otherwise."""
    metadata = (row["metadata"] or {}) | {"lastModified": moment(datetime.now(UTC))}
    if body.get("copyMetadata") is not False:
        return {"metadata": metadata, "user_metadata": row["user_metadata"]}
    told = body.get("metadata") or {}
    mine = {name: told[name] for name in OVERRIDES if name in told}
    return {"metadata": metadata | mine, "user_metadata": None}


async def _add(
    request: web.Request, target: Place, known: dict[str, Any], version: str, *, upsert: bool
) -> tuple[dict[str, Any], str | None]:
    """(the copy's row, the version it has replaced)."""
    caller = caller_of(request, request.app[SETTINGS])
    async with request.app[DATABASE].admin() as connection:
        standing = await fetch_one(connection, STANDING, target)
    values = {name: Jsonb(value) for name, value in known.items()} | {
        "id": str(uuid4()),
        "bucket": target[0],
        "name": target[1],
        "owner": caller.user_id,
        "version": version,
    }
    replaces = standing is not None and upsert
    async with request.app[DATABASE].acting_as(caller) as connection:
        done = await connection.execute(REPLACE if replaces else INSERT, values)
        if not done.rowcount:
            raise no_object()
    async with request.app[DATABASE].admin() as connection:
        made = await _row(connection, target)
    return made, standing["version"] if replaces and standing else None


async def _row(connection: Connection, target: Place) -> dict[str, Any]:
    row = await fetch_one(connection, WHOLE, target)
    if row is None:
        raise no_object()
    return row
