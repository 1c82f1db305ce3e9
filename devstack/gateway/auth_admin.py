"""/admin/users, for service_role only."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg
from aiohttp import web

from devstack.gateway import auth_factors, auth_rows, passwords
from devstack.gateway.auth_errors import AuthError, read_json
from devstack.gateway.auth_self import claims_of
from devstack.gateway.auth_sessions import end_sessions
from devstack.gateway.database import Connection, fetch_all, fetch_one
from devstack.gateway.keys import DATABASE, SETTINGS

PAGE_SIZE = 50


def admins_only(request: web.Request) -> None:
    if claims_of(request).get("role") not in ("service_role", "supabase_admin"):
        raise AuthError(403, "not_admin", "User not allowed")


def id_of(request: web.Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.match_info["id"])
    except ValueError as error:
        raise AuthError(404, "validation_failed", "user_id must be an UUID") from error


async def found(connection: Connection, user_id: uuid.UUID) -> dict[str, Any]:
    user = await fetch_one(connection, "select * from auth.users where id = %s", (user_id,))
    if user is None:
        raise AuthError(404, "user_not_found", "User not found")
    return user


async def list_users(request: web.Request) -> web.Response:
    admins_only(request)
    page, size = _number(request, "page", 1), _number(request, "per_page", PAGE_SIZE)
    async with request.app[DATABASE].admin() as connection:
        counted = await fetch_one(connection, "select count(*) as total from auth.users")
        rows = await fetch_all(
            connection,
            "select * from auth.users order by created_at desc, id limit %s offset %s",
            (size, (page - 1) * size),
        )
        users = [await auth_rows.show(connection, row) for row in rows]
    total = counted["total"] if counted else 0
    headers = {"X-Total-Count": str(total), "Link": _links(page, size, total)}
    return web.json_response({"users": users, "aud": "authenticated"}, headers=headers)


def _number(request: web.Request, name: str, default: int) -> int:
    given = request.query.get(name) or str(default)
    if not given.isdecimal() or not 1 <= int(given) <= 100_000:
        raise AuthError(
            400, "validation_failed", f"Bad Pagination Parameters: {name} must be a positive number"
        )
    return int(given)


def _links(page: int, size: int, total: int) -> str:
    last = max(1, -(-total // size))
    ahead = [(page + 1, "next")] if page < last else []
    return ", ".join(
        f'</admin/users?page={n}&per_page={size}>; rel="{rel}"'
        for n, rel in [*ahead, (last, "last")]
    )


async def create_user(request: web.Request) -> web.Response:
    admins_only(request)
    body = await read_json(request)
    email = auth_rows.as_email(body.get("email"))
    user_id = _given_id(body)
    async with request.app[DATABASE].admin() as connection:
        await auth_rows.refuse_taken_email(connection, email)
        changes = await _changes(request, {}, body)
        if "encrypted_password" not in changes:
            changes["encrypted_password"] = await passwords.hash_of_nothing()
        changes["raw_app_meta_data"] = {"provider": "email", "providers": ["email"]} | changes.get(
            "raw_app_meta_data", {}
        )
        changes["raw_user_meta_data"] = {"email_verified": True} | changes.get(
            "raw_user_meta_data", {}
        )
        try:
            await connection.execute(
                "insert into auth.users (id, email) values (%s, %s)", (user_id, email)
            )
        except psycopg.errors.UniqueViolation as error:
            raise AuthError(
                422, "email_exists", "A user with this email address has already been registered"
            ) from error
        user = await auth_rows.write(connection, user_id, changes | {"email": email})
        return web.json_response(await auth_rows.show(connection, user))


def _given_id(body: dict[str, Any]) -> uuid.UUID:
    try:
        return uuid.UUID(str(body["id"])) if body.get("id") else uuid.uuid4()
    except ValueError as error:
        raise AuthError(
            400, "validation_failed", "ID must conform to the uuid v4 format"
        ) from error


async def get_user(request: web.Request) -> web.Response:
    admins_only(request)
    async with request.app[DATABASE].admin() as connection:
        return web.json_response(
            await auth_rows.show(connection, await found(connection, id_of(request)))
        )


async def update_user(request: web.Request) -> web.Response:
    admins_only(request)
    body = await read_json(request)
    async with request.app[DATABASE].admin() as connection:
        user = await found(connection, id_of(request))
        changes = await _changes(request, user, body)
        if body.get("email"):
            changes["email"] = auth_rows.as_email(body["email"])
            await auth_rows.refuse_taken_email(connection, changes["email"], user["id"])
        if "encrypted_password" in changes:
            await end_sessions(connection, user["id"])
        user = await auth_rows.write(connection, user["id"], changes)
        return web.json_response(await auth_rows.show(connection, user))


async def list_factors(request: web.Request) -> web.Response:
    admins_only(request)
    async with request.app[DATABASE].admin() as connection:
        user = await found(connection, id_of(request))
        return web.json_response(await auth_rows.show_factors(connection, user["id"]))


async def delete_factor(request: web.Request) -> web.Response:
    """For somebody who lost his authenticator."""
    admins_only(request)
    async with request.app[DATABASE].admin() as connection:
        user = await found(connection, id_of(request))
        factors = await auth_rows.show_factors(connection, user["id"])
        named = [one for one in factors if one["id"] == request.match_info["factor"].lower()]
        if not named:
            raise AuthError(404, "mfa_factor_not_found", "Factor not found")
        await auth_factors.remove(connection, uuid.UUID(named[0]["id"]))
    return web.json_response(named[0])


async def delete_user(request: web.Request) -> web.Response:
    admins_only(request)
    body = await read_json(request)
    async with request.app[DATABASE].admin() as connection:
        user = await found(connection, id_of(request))
        if body.get("should_soft_delete"):
            await end_sessions(connection, user["id"])
            await connection.execute(
                "delete from auth.mfa_factors where user_id = %s", (user["id"],)
            )
            gone = {
                "deleted_at": datetime.now(UTC),
                "encrypted_password": "",
                "raw_user_meta_data": {},
            }
            await auth_rows.write(
                connection, user["id"], gone | {"email": f"{user['id']}@deleted.invalid"}
            )
        else:
            await connection.execute("delete from auth.users where id = %s", (user["id"],))
    return web.json_response({})


async def _changes(
    request: web.Request, user: dict[str, Any], body: dict[str, Any]
) -> dict[str, Any]:
    changes = await _password(request, body)
    if body.get("email_confirm"):
        changes["email_confirmed_at"] = user.get("email_confirmed_at") or datetime.now(UTC)
    if body.get("role"):
        changes["role"] = str(body["role"])
    if body.get("phone"):
        changes["phone"] = str(body["phone"]).lstrip("+")
    for name in ("app", "user"):
        if body.get(f"{name}_metadata") is not None:
            column = f"raw_{name}_meta_data"
            changes[column] = auth_rows.merged(user.get(column), body[f"{name}_metadata"])
    if body.get("ban_duration"):
        changes["banned_until"] = auth_rows.banned_until(str(body["ban_duration"]))
    return changes


async def _password(request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
    if body.get("password"):
        auth = request.app[SETTINGS].auth
        return {"encrypted_password": await passwords.new_hash(str(body["password"]), auth)}
    return {"encrypted_password": str(body["password_hash"])} if body.get("password_hash") else {}
