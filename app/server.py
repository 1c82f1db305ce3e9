"""gunicorn as we want it: its own refusals in our one error body, its log in JSON.

Its messages quote what was sent (the request line, header values); ours do not.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import uuid
from http import HTTPStatus
from typing import Any

import structlog
from gunicorn import glogging, util
from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.workers.gthread import ThreadWorker

from app import headers, logs

log = structlog.get_logger(__name__)

# A slow line still brings a few bytes in this time.
SILENT_S = 30

Answer = tuple[HTTPStatus, str, str]
REFUSALS: dict[type[ParseException], Answer] = {
    LimitRequestLine: (HTTPStatus.REQUEST_URI_TOO_LONG, "uri_too_long", "The address is too long."),
    LimitRequestHeaders: (
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "headers_too_large",
        "The request's headers are too large.",
    ),
    ExpectationFailed: (
        HTTPStatus.EXPECTATION_FAILED,
        "expectation_failed",
        "Nothing but 100-continue may be expected.",
    ),
    UnsupportedTransferCoding: (
        HTTPStatus.NOT_IMPLEMENTED,
        "not_implemented",
        "This transfer coding is not supported.",
    ),
}
BAD_REQUEST = (HTTPStatus.BAD_REQUEST, "bad_request", "The request could not be understood.")
DEFECT = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "internal_error",
    "Something went wrong on our side. Give support the request id.",
)


def give_up_on_silence(connection: socket.socket, after_s: int = SILENT_S) -> None:
    """Reading what does not come, or writing what nobody takes, raises BlockingIOError.

    By the kernel, for gunicorn sets Python's own timeout back with each request.
    """
    limit = struct.pack("ll", after_s, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


class Worker(ThreadWorker):  # type: ignore[misc]
    def enqueue_req(self, conn: Any) -> None:
        """A client that sends nothing more must not keep a thread: there are few."""
        give_up_on_silence(conn.sock)
        super().enqueue_req(conn)

    def set_accept_enabled(self, enabled: bool) -> None:
        """When it stops, it lets go of the address at once.

        gunicorn's keeps it until the last request is done, and whoever calls meanwhile is neither
        answered nor refused.
        """
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                listener.close()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answers what never reached Flask, or failed after it."""
        request_id = uuid.uuid4().hex
        answer = _answer(exc)
        log.warning(
            "request_not_served",
            status=answer[0],
            code=answer[1],
            error=type(exc).__name__,
            request_id=request_id,
            places=logs.places(exc) if answer is DEFECT else None,
        )
        try:
            util.write_nonblock(client, _response(answer, request_id))
        except OSError:
            log.info("answer_not_taken", request_id=request_id)


class Logger(glogging.Logger):  # type: ignore[misc]
    """There is no access log: the request's own line says more, and no address."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        level = os.environ.get("LOG_LEVEL", "").strip().lower()
        logs.configure(level if level in ("debug", "info", "warning", "error") else "info")
        for each in (self.error_log, self.access_log):
            each.handlers.clear()
            each.propagate = True

    def access(self, *_: Any) -> None:
        pass

    def exception(self, msg: Any, *_: Any, **__: Any) -> None:
        """Without the arguments, among them the address with its query."""
        if isinstance(sys.exc_info()[1], BlockingIOError):
            log.info("client_fell_silent")
            return
        log.error("server_error", what=str(msg).partition("%")[0].strip(), exc_info=sys.exc_info())


def _answer(exc: BaseException) -> Answer:
    ours = isinstance(exc, InvalidResponseHeader | InvalidResponseHeaderName)
    if ours or not isinstance(exc, ParseException):
        return DEFECT
    return next((said for kind, said in REFUSALS.items() if isinstance(exc, kind)), BAD_REQUEST)


def _response(answer: Answer, request_id: str) -> bytes:
    """The whole of it; the connection is closed, for nobody knows where the next request begins."""
    status, code, detail = answer
    body = json.dumps(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": status,
            "detail": detail,
            "code": code,
            "request_id": request_id,
        }
    )
    sent = [
        ("Connection", "close"),
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("X-Request-Id", request_id),
        *headers.FOR_DATA,
        headers.UNSTORED,
    ]
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{n}: {v}" for n, v in sent)]
    return "\r\n".join([*lines, "", body]).encode()
