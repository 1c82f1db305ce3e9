"""Buckets. Policies on storage.buckets decide; service_role passes them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from devstack.gateway.auth_rows import moment
from devstack.gateway.callers import caller_of
from devstack.gateway.database import Connection, fetch_all, fetch_one
from devstack.gateway.keys import DATABASE, SETTINGS, as_caller
from devstack.gateway.settings import parse_size
from devstack.gateway.storage_errors import StorageError, duplicate, invalid, no_bucket, read_json
from devstack.gateway.storage_files import discard
from devstack.gateway.storage_names import check_bucket_name

SHOWN = (
    "id",
    "name",
    "owner",
    "public",
    "type",
    "file_size_limit",
    "allowed_mime_types",
    "created_at",
    "updated_at",
)
BY_ID = "select * from storage.buckets where id = %s"


async def bucket_row(connection: Connection, bucket: str) -> dict[str, Any]:
    row = await fetch_one(connection, BY_ID, (bucket,))
    if row is None:
        raise no_bucket()
    return row


def _show(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: moment(row[name]) for name in ("created_at", "updated_at")}
    return {name: row[name] for name in SHOWN} | times | {"owner": str(row["owner"] or "")}


async def list_buckets(request: web.Request) -> web.Response:
    caller = caller_of(request, request.app[SETTINGS])
    async with request.app[DATABASE].acting_as(caller) as connection:
        rows = await fetch_all(connection, "select * from storage.buckets order by id")
    return web.json_response([_show(row) for row in rows])


async def get(request: web.Request) -> web.Response:
    caller = caller_of(request, request.app[SETTINGS])
    async with request.app[DATABASE].acting_as(caller) as connection:
        return web.json_response(_show(await bucket_row(connection, request.match_info["bucket"])))


async def create(request: web.Request) -> web.Response:
    body, caller = await read_json(request), caller_of(request, request.app[SETTINGS])
    name = check_bucket_name(str(body.get("name") or body.get("id") or ""))
    bucket_id = check_bucket_name(str(body.get("id") or name))
    values = {"id": bucket_id, "name": name, "owner": caller.user_id} | _options(body)
    async with request.app[DATABASE].admin() as connection:
        if (
            await fetch_one(
                connection, "select from storage.buckets where %s in (id, name)", (bucket_id,)
            )
            is not None
        ):
            raise duplicate()
    async with request.app[DATABASE].acting_as(caller) as connection:
        await connection.execute(
            "insert into storage.buckets"
            " (id, name, owner, owner_id, public, file_size_limit, allowed_mime_types)"
            " values (%(id)s, %(name)s, %(owner)s::uuid, %(owner)s::text, %(public)s,"
            " %(limit)s, %(types)s)",
            values,
        )
    return web.json_response({"name": name})


def _options(body: dict[str, Any]) -> dict[str, Any]:
    limit, types = body.get("file_size_limit"), body.get("allowed_mime_types")
    try:
        size = parse_size(limit) if limit not in (None, "") else None
    except ValueError as error:
        raise invalid(str(error)) from error
    if types is not None and not (
        isinstance(types, list) and all(isinstance(item, str) and "/" in item for item in types)
    ):
        raise StorageError(
            422,
            "invalid_mime_type",
            "allowed_mime_types must be a list such as ['text/csv', 'image/*']",
        )
    return {"public": bool(body.get("public")), "limit": size, "types": types}


async def update(request: web.Request) -> web.Response:
    body, bucket = await read_json(request), request.match_info["bucket"]
    async with as_caller(request) as connection:
        await bucket_row(connection, bucket)
        done = await connection.execute(
            "update storage.buckets set public = %(public)s, file_size_limit = %(limit)s,"
            " allowed_mime_types = %(types)s,"
            " updated_at = now() where id = %(id)s",
            _options(body) | {"id": bucket},
        )
        if not done.rowcount:
            raise no_bucket()
    return web.json_response({"message": "Successfully updated"})


async def delete(request: web.Request) -> web.Response:
    bucket = request.match_info["bucket"]
    async with request.app[DATABASE].admin() as connection:
        used = await fetch_one(
            connection, "select from storage.objects where bucket_id = %s limit 1", (bucket,)
        )
    async with as_caller(request) as connection:
        await bucket_row(connection, bucket)
        if used is not None:
            raise StorageError(
                409, "ResourceNotEmpty", "The bucket you tried to delete is not empty"
            )
        done = await connection.execute("delete from storage.buckets where id = %s", (bucket,))
        if not done.rowcount:
            raise no_bucket()
    return web.json_response({"message": "Successfully deleted"})


async def empty(request: web.Request) -> web.Response:
    bucket = request.match_info["bucket"]
    async with as_caller(request) as connection:
        await bucket_row(connection, bucket)
        gone = await fetch_all(
            connection,
            "delete from storage.objects where bucket_id = %s returning version",
            (bucket,),
        )
    for row in gone:
        discard(request.app[SETTINGS].storage_dir, row["version"])
    return web.json_response({"message": "Successfully emptied"})
