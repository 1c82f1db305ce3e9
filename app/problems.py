"""Every failure as application/problem+json (RFC 9457) with a stable `code`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, current_app, json
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app import passage
from app.errors import AppError, FieldError
from app.logs import places

log = structlog.get_logger(__name__)

CODES = {
    400: ("bad_request", "The request could not be understood."),
    404: ("not_found", "There is nothing at this address that you may see."),
    405: ("method_not_allowed", "This address does not take that method."),
    415: ("unsupported_media_type", "This address does not take that kind of body."),
    422: ("invalid_request", "Some fields are missing or wrong; `errors` names each of them."),
}
# What an HTTPException may add to the response; the rest describes werkzeug's own HTML page.
KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")


def register(app: Flask) -> None:
    app.register_error_handler(AppError, problem)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(ParseException, _unreadable)
    app.register_error_handler(BlockingIOError, _fell_silent)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, _unexpected)


def problem(error: AppError) -> Response:
    """The response for an AppError; its body is the only error body this API has."""
    passing = passage.current()
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": passing.request_id if passing else "",
    }
    if error.errors:
        body["errors"] = [{"field": e.field, "message": e.message} for e in error.errors]
    if passing:
        passing.code = error.code
    return Response(
        json.dumps(body),
        status=error.status,
        headers=error.headers,
        mimetype="application/problem+json",
    )


def _too_large(error: RequestEntityTooLarge) -> Response:
    limit_mb = current_app.config["UPLOAD_LIMIT_BYTES"] // (1024 * 1024)
    detail = f"The request is too large: a file may have {limit_mb} MB, everything else 1 MB."
    return problem(AppError(413, "payload_too_large", detail))


def _unreadable(error: ParseException) -> Response:
    """gunicorn found, while the body was read, that it is no body: chunks without a size."""
    return problem(AppError(400, *CODES[400]))


def _fell_silent(error: BlockingIOError) -> Response:
    detail = "The request did not arrive in time. Send it again."
    return problem(AppError(408, "request_timeout", detail))


def _http_exception(error: HTTPException) -> Response:
    # Redirects, and exceptions that carry a response (they have no code), do not come here.
    status = HTTPStatus(error.code or 500)
    by_name = (status.name.lower(), error.description or status.phrase)
    code, detail = CODES.get(status, by_name)
    headers = {name: value for name, value in error.get_headers() if name in KEPT_HEADERS}
    return problem(AppError(status, code, detail, errors=_fields(error), headers=headers))


def _fields(error: HTTPException) -> list[FieldError]:
    """The errors webargs left on its 422: {location: {field: [messages]}}, nested freely."""
    messages = (getattr(error, "data", None) or {}).get("messages", {})
    return [
        FieldError(field, message)
        for by_field in messages.values()
        for field, message in _walk("", by_field)
    ]


def _walk(path: str, found: Any) -> Iterator[tuple[str, str]]:
    if isinstance(found, Mapping):
        for key, inner in found.items():
            yield from _walk(f"{path}.{key}" if path else str(key), inner)
    else:
        # A body that cannot be read at all has no field.
        yield path or "body", " ".join(str(message) for message in found)


def _unexpected(error: Exception) -> Response:
    # The message of a foreign exception may quote somebody's data; type and place do not.
    log.error("unexpected_error", error=type(error).__name__, places=places(error))
    detail = "Something went wrong on our side. Give support the request id."
    return problem(AppError(500, "internal_error", detail))
