"""Numbers, users and the workspace, on both surfaces."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.answers import NotFound, data
from sandbox.keys import vendor_of
from sandbox.openphone import paging
from sandbox.openphone.records import Number, User
from sandbox.openphone.world import ORG_ID
from sandbox.reading import Query

Content = dict[str, Any]
OPEN = {"CA": "unrestricted", "US": "unrestricted", "Intl": "restricted"}
RESTRICTIONS = {"calling": OPEN, "messaging": OPEN}


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/v1/phone-numbers", v1_numbers)
    router.add_get("/v1/phone-numbers/{id}", v1_number)
    router.add_get("/v1/users", v1_users)
    router.add_get("/v1/users/{id}", user)
    router.add_get("/phone-numbers", numbers)
    router.add_get("/phone-numbers/{id}", number)
    router.add_get("/phone-numbers/{id}/users", number_users)
    router.add_get("/users", users)
    router.add_get("/users/{id}", user)
    router.add_get("/organization", organization)


async def v1_numbers(request: web.Request) -> web.Response:
    world, user_id = vendor_of(request).world, request.query.get("userId")
    found = [each for each in world.numbers.values() if user_id is None or user_id in each.user_ids]
    return data([_v1_number(each, world.users) for each in found])


async def v1_number(request: web.Request) -> web.Response:
    return data(_v1_number(_number(request), vendor_of(request).world.users))


async def v1_users(request: web.Request) -> web.Response:
    query = Query(request.query)
    query.whole("maxResults", 1, 50)
    query.end()
    found = [_user(each) for each in vendor_of(request).world.users.values()]
    return data(found, totalItems=len(found), nextPageToken=None)


async def numbers(request: web.Request) -> web.Response:
    query, world = Query(request.query), vendor_of(request).world
    size, asked = query.whole("limit", 1, 50, 10), query.text("phoneNumber")
    after, include = query.text("after"), query.text("include")
    query.end()
    found = [each for each in world.numbers.values() if asked in (None, each.e164)]
    start = next((at + 1 for at, each in enumerate(found) if each.id == after), 0)
    items = found[start : start + size]
    more = items[-1].id if len(found) > start + size else None
    return data([_dated_number(each, include) for each in items], nextCursor=more)


async def number(request: web.Request) -> web.Response:
    return data(_dated_number(_number(request), request.query.get("include")))


async def number_users(request: web.Request) -> web.Response:
    world = vendor_of(request).world
    found = [_user(world.users[each]) for each in _number(request).user_ids]
    return data(found, nextCursor=None)


async def users(request: web.Request) -> web.Response:
    query = Query(request.query)
    query.whole("limit", 1, 50, 10)
    paging.key(query.text("after"))
    query.end()
    return data([_user(each) for each in vendor_of(request).world.users.values()], nextCursor=None)


async def user(request: web.Request) -> web.Response:
    found = vendor_of(request).world.users.get(request.match_info["id"])
    if found is None:
        raise NotFound("User")
    return data(_user(found))


async def organization(request: web.Request) -> web.Response:
    status = vendor_of(request).behaviour.subscription
    return data({"id": ORG_ID, "name": "Attack-a-Crack", "subscriptionStatus": status})


def _number(request: web.Request) -> Number:
    found = vendor_of(request).world.numbers.get(request.match_info["id"])
    if found is None:
        raise NotFound("Phone number")
    return found


def _shared(found: Number) -> Content:
    return {
        "id": found.id,
        "groupId": f"GR{found.id[2:]}",
        "name": found.name,
        "formattedNumber": _formatted(found.e164),
        "forward": None,
        "portRequestId": None,
        "portingStatus": None,
        "symbol": None,
        "createdAt": found.created_at,
        "updatedAt": found.created_at,
    }


def _v1_number(found: Number, staff: dict[str, User]) -> Content:
    names = ("id", "email", "firstName", "lastName", "role")
    people = [_user(staff[each]) for each in found.user_ids]
    shown = [{name: each[name] for name in names} | {"groupId": "GRdemo01"} for each in people]
    rest = {"number": found.e164, "users": shown, "restrictions": RESTRICTIONS}
    return _shared(found) | rest


def _dated_number(found: Number, include: str | None) -> Content:
    rest: Content = {"phoneNumber": found.e164}
    if include and "restrictions" in include.split(","):
        rest["restrictions"] = RESTRICTIONS
    return _shared(found) | rest


def _user(found: User) -> Content:
    return {
        "id": found.id,
        "email": found.email,
        "firstName": found.first_name,
        "lastName": found.last_name,
        "pictureUrl": None,
        "role": found.role,
        "createdAt": found.created_at,
        "updatedAt": found.created_at,
    }


def _formatted(e164: str) -> str:
    return f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}" if e164.startswith("+1") else e164
