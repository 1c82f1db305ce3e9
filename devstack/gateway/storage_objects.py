"""Lists and removals: what the caller's policies do not show does not exist for him."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from devstack.gateway.auth_rows import moment
from devstack.gateway.database import fetch_all
from devstack.gateway.keys import SETTINGS, as_caller
from devstack.gateway.storage_errors import invalid, no_object, read_json
from devstack.gateway.storage_files import discard
from devstack.gateway.storage_names import check_object_name, object_of

SORT_COLUMNS = ("name", "updated_at", "created_at", "last_accessed_at")
MAX_REMOVED = 1000
TIMES = ("updated_at", "created_at", "last_accessed_at")
LIST = """
with inside as (
    select *, substr(name, length(%(prefix)s) + 1) as rest
    from storage.objects
    where bucket_id = %(bucket)s and starts_with(name, %(prefix)s)
), found as (
    select * from inside where rest <> '' and starts_with(lower(rest), lower(%(search)s))
), entries as (
    select distinct split_part(rest, '/', 1) as entry, true as folder, null::uuid as id,
        null::jsonb as metadata,
        null::timestamptz as updated_at, null::timestamptz as created_at,
        null::timestamptz as last_accessed_at
    from found where position('/' in rest) > 0
    union all
    select rest, false, id, metadata, updated_at, created_at, last_accessed_at
    from found where position('/' in rest) = 0
)
select entry as name, id, metadata, updated_at, created_at, last_accessed_at from entries
order by folder desc, {column} {order}, entry limit %(limit)s offset %(offset)s
"""
REMOVE = (
    "delete from storage.objects where bucket_id = %s and name = any(%s)"
    " returning id, bucket_id, name, owner, owner_id, version, metadata, user_metadata,"
    " updated_at, created_at, last_accessed_at"
)


async def list_objects(request: web.Request) -> web.Response:
    body = await read_json(request)
    values = {
        "bucket": request.match_info["bucket"],
        "prefix": _as_prefix(body),
        "search": str(body.get("search") or ""),
        "limit": _number(body, "limit", 100),
        "offset": _number(body, "offset", 0),
    }
    async with as_caller(request) as connection:
        rows = await fetch_all(connection, _sorted(body), values)
    return web.json_response([show(row) for row in rows])


def _as_prefix(body: dict[str, Any]) -> str:
    folder = str(body.get("prefix") or "").strip("/")
    return f"{folder}/" if folder else ""


def _number(body: dict[str, Any], name: str, default: int) -> int:
    value = default if body.get(name) is None else body[name]
    if not isinstance(value, int) or value < 0:
        raise invalid(f"{name} must be a number that is not negative")
    return value


def _sorted(body: dict[str, Any]) -> str:
    sort_by = body.get("sortBy") or {}
    column, order = sort_by.get("column") or "name", str(sort_by.get("order") or "asc").lower()
    if column not in SORT_COLUMNS or order not in ("asc", "desc"):
        raise invalid(
            f"sortBy takes a column of {', '.join(SORT_COLUMNS)} and the order asc or desc"
        )
    return LIST.format(column="entry" if column == "name" else column, order=order)


def show(row: dict[str, Any]) -> dict[str, Any]:
    plain = {
        name: str(value)
        for name, value in row.items()
        if name in ("id", "owner") and value is not None
    }
    return row | plain | {name: moment(row[name]) for name in TIMES}


async def remove_many(request: web.Request) -> web.Response:
    names = (await read_json(request)).get("prefixes")
    if (
        not isinstance(names, list)
        or not all(isinstance(name, str) for name in names)
        or len(names) > MAX_REMOVED
    ):
        raise invalid(f"prefixes must be a list of at most {MAX_REMOVED} object names")
    removed = await _remove(
        request, request.match_info["bucket"], [check_object_name(name) for name in names]
    )
    return web.json_response([show(row) for row in removed])


async def remove_one(request: web.Request) -> web.Response:
    bucket, name = object_of(request)
    if not await _remove(request, bucket, [name]):
        raise no_object()
    return web.json_response({"message": "Successfully deleted"})


async def _remove(request: web.Request, bucket: str, names: list[str]) -> list[dict[str, Any]]:
    """The bytes go after the rows are surely gone."""
    async with as_caller(request) as connection:
        removed = await fetch_all(connection, REMOVE, (bucket, names))
    for row in removed:
        discard(request.app[SETTINGS].storage_dir, row["version"])
    return removed
