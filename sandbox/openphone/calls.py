"""Calls on both surfaces; nobody places one by API."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from sandbox.answers import ApiError, NotFound, data
from sandbox.keys import vendor_of
from sandbox.openphone import call_views, paging
from sandbox.openphone.records import Call
from sandbox.reading import Query

STATUSES = (
    *("queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed"),
    *("no-answer", "canceled", "missed", "answered", "forwarded", "abandoned"),
)


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/v1/calls", v1_index)
    router.add_get("/v1/calls/{id}", v1_show)
    router.add_get("/v1/call-recordings/{id}", recordings)
    router.add_get("/v1/call-summaries/{id}", summary)
    router.add_get("/v1/call-transcripts/{id}", transcript)
    router.add_get("/v1/call-voicemails/{id}", voicemail)
    router.add_get("/calls", index)
    router.add_get("/calls/{id}", show)
    router.add_get("/calls/{id}/recordings", recordings)
    router.add_get("/calls/{id}/transcripts", segments)


async def v1_index(request: web.Request) -> web.Response:
    query, vendor = Query(request.query), vendor_of(request)
    number_id = query.text("phoneNumberId", required=True)
    people = query.many("participants", most=100, required=True)
    size, start = query.whole("maxResults", 1, 100), paging.key(query.text("pageToken"))
    after, before = query.instant("createdAfter"), query.instant("createdBefore")
    query.end()
    if len(people) > 1:
        raise ApiError(400, "Too Many Participants", code="0101400")
    number = vendor.world.numbers.get(number_id or "")
    conversation = number and vendor.world.find_conversation(number, people)
    found = [
        call
        for call in (vendor.world.calls_of(conversation).newest_first() if conversation else ())
        if (not after or call.created_at > after) and (not before or call.created_at < before)
    ]
    rest = (call for call in found if not start or (call.created_at, call.seq) < start)
    items, token = paging.page(rest, size)
    shown = [call_views.as_v1(vendor, call) for call in items]
    return data(shown, totalItems=len(found), nextPageToken=token)


async def v1_show(request: web.Request) -> web.Response:
    return data(call_views.as_v1(vendor_of(request), _find(request)))


async def index(request: web.Request) -> web.Response:
    query, vendor = Query(request.query), vendor_of(request)
    is_wanted = _filters(query)
    include = (query.text("include") or "").split(",")
    size, start = query.whole("limit", 1, 50, 10), paging.key(query.text("after"))
    query.end()
    found = (call for call in vendor.world.calls.newest_first(start) if is_wanted(call))
    items, cursor = paging.page(found, size)
    return data([call_views.as_dated(vendor, call, include) for call in items], nextCursor=cursor)


async def show(request: web.Request) -> web.Response:
    include = request.query.get("include", "").split(",")
    return data(call_views.as_dated(vendor_of(request), _find(request), include))


async def recordings(request: web.Request) -> web.Response:
    """Oldest first; addresses are made anew each time."""
    vendor = vendor_of(request)
    return data([call_views.recording(vendor, item) for item in _find(request).recordings])


async def summary(request: web.Request) -> web.Response:
    return data(call_views.summary(_find(request)))


async def transcript(request: web.Request) -> web.Response:
    return data(call_views.transcript(_find(request)))


async def segments(request: web.Request) -> web.Response:
    return data(call_views.segments(_find(request)))


async def voicemail(request: web.Request) -> web.Response:
    found = call_views.voicemail(vendor_of(request), _find(request))
    if found is None:
        raise NotFound("Voicemail")
    return data(found)


def _find(request: web.Request) -> Call:
    found = vendor_of(request).world.calls.by_id.get(request.match_info["id"])
    if found is None:
        raise NotFound("Call")
    return found


def _filters(query: Query) -> Callable[[Call], bool]:
    number_id, actor = query.text("phoneNumberId"), query.text("actorId")
    people, statuses = query.listed("participant"), query.listed("status")
    direction = query.one_of("direction", ("incoming", "outgoing"))
    least, most = query.instant("createdAt[gte]"), query.instant("createdAt[lte]")
    for status in statuses or []:
        if status not in STATUSES:
            query.wrong("status", f"Expected one of {', '.join(STATUSES)}", status)

    def is_wanted(call: Call) -> bool:
        return (
            number_id in (None, call.number_id)
            and actor in (None, call.answered_by, call.initiated_by)
            and (people is None or call.person in people)
            and (statuses is None or call.status in statuses)
            and direction in (None, call.direction)
            and (least is None or call.created_at >= least)
            and (most is None or call.created_at <= most)
        )

    return is_wanted
