"""/_control: what tests and the page may do that no vendor offers. JSON in, JSON out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox import control_hooks, control_people, control_views
from sandbox.answers import read_body
from sandbox.faults import UnknownFault
from sandbox.keys import SANDBOX

IDLE_WITHIN_S = 10.0


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/_control/health", health)
    router.add_post("/_control/reset", reset)
    router.add_get("/_control/idle", idle)
    router.add_get("/_control/behaviour", behaviour)
    router.add_patch("/_control/behaviour", change_behaviour)
    router.add_get("/_control/faults", faults)
    router.add_post("/_control/faults", add_fault)
    router.add_delete("/_control/faults", clear_faults)
    router.add_delete("/_control/faults/{id:[0-9]+}", remove_fault)
    router.add_get("/_control/ledger", ledger)
    router.add_get("/_control/requests", requests)
    router.add_put("/_control/numverify/numbers", tell_numbers)
    router.add_get("/_control/numverify/asked", asked_numbers)
    control_people.add_routes(router)
    control_views.add_routes(router)
    control_hooks.add_routes(router)


async def health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def reset(request: web.Request) -> web.Response:
    """As it was when the process began."""
    await request.app[SANDBOX].reset()
    return web.json_response({})


async def idle(request: web.Request) -> web.Response:
    """Answers when nothing is under way: no text on its way, no webhook being delivered."""
    wait_s = float(request.query.get("timeout_s", IDLE_WITHIN_S))
    return web.json_response({"idle": await request.app[SANDBOX].tasks.idle(wait_s)})


async def behaviour(request: web.Request) -> web.Response:
    return web.json_response(asdict(request.app[SANDBOX].vendor.behaviour))


async def change_behaviour(request: web.Request) -> web.Response:
    try:
        request.app[SANDBOX].vendor.behaviour.change(await read_body(request))
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    return await behaviour(request)


async def faults(request: web.Request) -> web.Response:
    return web.json_response(request.app[SANDBOX].faults.listed())


async def add_fault(request: web.Request) -> web.Response:
    try:
        added = request.app[SANDBOX].faults.add(**await read_body(request))
    except (UnknownFault, TypeError) as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    return web.json_response(asdict(added), status=201)


async def clear_faults(request: web.Request) -> web.Response:
    request.app[SANDBOX].faults.clear()
    return web.json_response({})


async def remove_fault(request: web.Request) -> web.Response:
    request.app[SANDBOX].faults.remove(int(request.match_info["id"]))
    return web.json_response({})


async def ledger(request: web.Request) -> web.Response:
    """Every text that was really accepted, oldest first, whatever its sender was answered."""
    world = request.app[SANDBOX].vendor.world
    return web.json_response([asdict(line) for line in world.ledger])


async def requests(request: web.Request) -> web.Response:
    """Calls the stand-ins got, oldest first."""
    wanted = request.query.get("path", "/")
    found = request.app[SANDBOX].requests
    return web.json_response([line for line in found if line["path"].startswith(wanted)])


async def tell_numbers(request: web.Request) -> web.Response:
    """{"+1617…": "mobile" | "landline" | "voip" | "invalid" | null}"""
    told: dict[str, Any] = await read_body(request)
    request.app[SANDBOX].numverify.told |= told
    return web.json_response({})


async def asked_numbers(request: web.Request) -> web.Response:
    return web.json_response(request.app[SANDBOX].numverify.asked)
