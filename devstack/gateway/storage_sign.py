"""Signed download addresses: a token that names one object and a time."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from devstack.gateway.database import fetch_all
from devstack.gateway.jwt_keys import BadToken
from devstack.gateway.keys import DATABASE, SETTINGS, as_caller
from devstack.gateway.storage_download import object_row, send
from devstack.gateway.storage_errors import invalid, read_json
from devstack.gateway.storage_names import object_of

UNSEEN = "Either the object does not exist or you do not have access to it"


def _address(request: web.Request, bucket: str, name: str, lifetime_s: int) -> str:
    """Not percent-encoded: both clients do that themselves."""
    now = int(time.time())
    claims = {"url": f"{bucket}/{name}", "iat": now, "exp": now + lifetime_s}
    token = request.app[SETTINGS].jwt_keys.sign_inside(claims)
    return f"/object/sign/{bucket}/{name}?token={token}"


def _lifetime_s(body: dict[str, Any]) -> int:
    try:
        lifetime_s = int(body["expiresIn"])
    except (KeyError, TypeError, ValueError) as error:
        raise invalid("expiresIn must be a number of seconds") from error
    if lifetime_s < 1:
        raise invalid("expiresIn must be at least 1")
    return lifetime_s


async def sign_one(request: web.Request) -> web.Response:
    bucket, name = object_of(request)
    lifetime_s = _lifetime_s(await read_json(request))
    async with as_caller(request) as connection:
        await object_row(connection, bucket, name)
    return web.json_response({"signedURL": _address(request, bucket, name, lifetime_s)})


async def sign_many(request: web.Request) -> web.Response:
    body, bucket = await read_json(request), request.match_info["bucket"]
    lifetime_s, paths = _lifetime_s(body), body.get("paths")
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise invalid("paths must be a list of object names")
    async with as_caller(request) as connection:
        rows = await fetch_all(
            connection,
            "select name from storage.objects where bucket_id = %s and name = any(%s)",
            (bucket, paths),
        )
    seen = {row["name"] for row in rows}
    return web.json_response(
        [
            {"error": None, "path": path, "signedURL": _address(request, bucket, path, lifetime_s)}
            if path in seen
            else {"error": UNSEEN, "path": path, "signedURL": None}
            for path in paths
        ]
    )


async def download(request: web.Request) -> web.StreamResponse:
    bucket, name = object_of(request)
    try:
        claims = request.app[SETTINGS].jwt_keys.read(request.query.get("token", ""))
    except BadToken as error:
        raise invalid(str(error), "InvalidJWT") from error
    if claims.get("url") != f"{bucket}/{name}":
        raise invalid("The url do not match the signature", "InvalidSignature")
    async with request.app[DATABASE].admin() as connection:
        row = await object_row(connection, bucket, name)
    return send(request, row)
