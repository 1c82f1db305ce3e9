"""/rest/v1: every byte goes through to PostgREST and back, in both directions as it comes."""

from __future__ import annotations

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from devstack.gateway.callers import bearer_of, repeats_key
from devstack.gateway.keys import POSTGREST, SETTINGS

PREFIX = "/rest/v1"
CHUNK = 1 << 16
LONG_HEADERS = 1 << 17
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
    "expect",
}


def new_session() -> ClientSession:
    # Idle connections are dropped before PostgREST drops them (30 s): no POST meets a dead one.
    return ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=10),
        timeout=ClientTimeout(total=None, sock_connect=2),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        max_line_size=LONG_HEADERS,
        max_field_size=LONG_HEADERS,
    )


async def forward(request: web.Request) -> web.StreamResponse:
    settings = request.app[SETTINGS]
    # PostgREST 12 tries every key whatever `kid` says; hosted ones look for that key.
    if settings.jwt_keys.names_no_key(bearer_of(request, settings)):
        return _unknown_key()
    url = URL(settings.postgrest_url + (request.raw_path[len(PREFIX) :] or "/"), encoded=True)
    body = request.content.iter_chunked(CHUNK) if request.body_exists else None
    try:
        answer = await request.app[POSTGREST].request(
            request.method, url, headers=_request_headers(request), data=body, allow_redirects=False
        )
    except (ClientError, TimeoutError, OSError):
        return _not_there()
    try:
        return await _relay(request, answer)
    finally:
        answer.release()


def _request_headers(request: web.Request) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers)
    if "Authorization" not in headers or repeats_key(request):
        headers["Authorization"] = f"Bearer {bearer_of(request, request.app[SETTINGS])}"
    return headers


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP
    )


async def _relay(request: web.Request, answer: ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(
        status=answer.status, reason=answer.reason, headers=_end_to_end(answer.headers)
    )
    if (
        request.method != "HEAD"
        and "Content-Length" not in answer.headers
        and answer.status not in (204, 304)
    ):
        response.enable_chunked_encoding()
    await response.prepare(request)
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (ClientError, ConnectionError):
        # One side broke off in the middle: the other must not take the half for the whole.
        if request.transport is not None:
            request.transport.abort()
    return response


def _unknown_key() -> web.Response:
    return web.json_response(
        status=401,
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        data={
            "code": "PGRST301",
            "message": "No suitable key was found to decode the JWT",
            "details": None,
            "hint": None,
        },
    )


def _not_there() -> web.Response:
    return web.json_response(
        status=503,
        data={
            "code": "PGRST000",
            "message": "PostgREST does not answer",
            "details": None,
            "hint": "See `make status`.",
        },
    )
