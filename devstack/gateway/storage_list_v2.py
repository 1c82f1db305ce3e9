"""The second list: a page at a time by a cursor, names in full, folders only when asked for."""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

from devstack.gateway.auth_rows import moment
from devstack.gateway.database import fetch_all
from devstack.gateway.keys import as_caller
from devstack.gateway.storage_errors import invalid, read_json

MOST = 1000
COLUMNS = ("name", "updated_at", "created_at")
# A folder has the times of its first object. The cursor is the last entry's place in the order.
PAGE = """
with inside as (
    select *, substr(name, length(%(prefix)s) + 1) as rest from storage.objects
    where bucket_id = %(bucket)s and starts_with(name, %(prefix)s)
), entries as (
    select id, name, metadata, created_at, updated_at from inside
    where not %(folders)s or position('/' in rest) = 0
    union all
    select null, %(prefix)s || split_part(rest, '/', 1) || '/', null, min(created_at),
        min(created_at)
    from inside where %(folders)s and position('/' in rest) > 0 group by split_part(rest, '/', 1)
)
select *, {column}::text as place from entries
where %(name)s::text is null or ({column}, name collate "C") {beyond} (%(place)s, %(name)s::text)
order by {column} {order}, name collate "C" {order} limit %(limit)s + 1
"""


async def list_objects(request: web.Request) -> web.Response:
    body = await read_json(request)
    limit = _limit(body)
    page, column = _page(body)
    values = _after(body, column) | {
        "bucket": request.match_info["bucket"],
        "prefix": str(body.get("prefix") or ""),
        "folders": body.get("with_delimiter") is True,
        "limit": limit,
    }
    async with as_caller(request) as connection:
        found = await fetch_all(connection, page, values)
    rows = found[:limit]
    answer: dict[str, Any] = {
        "hasNext": len(found) > limit,
        "folders": [_folder(row) for row in rows if row["id"] is None],
        "objects": [_object(row) for row in rows if row["id"] is not None],
    }
    if len(found) > limit:
        answer["nextCursor"] = _cursor(rows[-1], column)
    return web.json_response(answer)


def _limit(body: dict[str, Any]) -> int:
    limit = body.get("limit") or MOST
    if not isinstance(limit, int) or limit < 1:
        raise invalid("body/limit must be >= 1")
    return min(limit, MOST)


def _page(body: dict[str, Any]) -> tuple[str, str]:
    """The query and the column it is sorted by."""
    sort_by = body.get("sortBy") or {}
    column, order = sort_by.get("column", "name"), sort_by.get("order") or "asc"
    if column not in COLUMNS or order not in ("asc", "desc"):
        raise invalid(f"body/sortBy/column must be one of {', '.join(COLUMNS)}, order asc or desc")
    beyond = ">" if order == "asc" else "<"
    sorted_by = 'name collate "C"' if column == "name" else column
    return PAGE.format(column=sorted_by, order=order, beyond=beyond), column


def _cursor(row: dict[str, Any], column: str) -> str:
    return base64.b64encode(json.dumps([column, row["place"], row["name"]]).encode()).decode()


def _after(body: dict[str, Any], column: str) -> dict[str, Any]:
    if not body.get("cursor"):
        return {"place": None, "name": None}
    try:
        sorted_by, place, name = json.loads(base64.b64decode(body["cursor"], validate=True))
    except (TypeError, ValueError) as error:
        raise invalid("The cursor is none of ours") from error
    if sorted_by != column:
        raise invalid("The cursor belongs to another order")
    return {"place": place, "name": name}


def _folder(row: dict[str, Any]) -> dict[str, Any]:
    return {"name": row["name"], "key": row["name"].split("/")[-2]}


def _object(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: moment(row[name]) for name in ("created_at", "updated_at")}
    names = {"id": str(row["id"]), "name": row["name"], "key": row["name"].split("/")[-1]}
    return names | times | {"metadata": row["metadata"]}
