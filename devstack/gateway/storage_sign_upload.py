"""Signed upload addresses: a token that names one object, its owner and a time.

The right is tried when it is signed; who has the address then needs no other one.
"""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from devstack.gateway.callers import Caller, caller_of
from devstack.gateway.jwt_keys import BadToken
from devstack.gateway.keys import DATABASE, SETTINGS
from devstack.gateway.storage_bodies import Upload
from devstack.gateway.storage_buckets import bucket_row
from devstack.gateway.storage_errors import invalid
from devstack.gateway.storage_names import object_of
from devstack.gateway.storage_upload import take, try_right

LIFETIME_S = 2 * 60 * 60


async def sign(request: web.Request) -> web.Response:
    bucket, name = object_of(request)
    upsert = request.headers.get("x-upsert", "").lower() == "true"
    caller = caller_of(request, request.app[SETTINGS])
    async with request.app[DATABASE].admin() as connection:
        await bucket_row(connection, bucket)
    await try_right(request, Upload(bucket, name, upsert, caller))
    now = int(time.time())
    claims = {"url": f"{bucket}/{name}", "upsert": upsert, "iat": now, "exp": now + LIFETIME_S}
    if caller.user_id:
        claims["owner"] = caller.user_id
    token = request.app[SETTINGS].jwt_keys.sign_inside(claims)
    # Not percent-encoded: both clients do that themselves.
    url = f"/object/upload/sign/{bucket}/{name}?token={token}"
    return web.json_response({"url": url, "token": token})


async def upload(request: web.Request) -> web.Response:
    bucket, name = object_of(request)
    claims = _claims(request)
    if claims.get("url") != f"{bucket}/{name}" or "upsert" not in claims:
        raise invalid("The url do not match the signature", "InvalidSignature")
    owner = {"sub": claims["owner"]} if "owner" in claims else {}
    signed = Upload(bucket, name, bool(claims["upsert"]), Caller("service_role", owner))
    await take(request, signed)
    return web.json_response({"Key": f"{bucket}/{name}"})


def _claims(request: web.Request) -> dict[str, Any]:
    try:
        return request.app[SETTINGS].jwt_keys.read(request.query.get("token", ""))
    except BadToken as error:
        raise invalid(str(error), "InvalidJWT") from error
