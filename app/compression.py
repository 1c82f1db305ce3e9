"""gzip for answers that are worth it.

Only to GET: what is shown once (a new key) answers a POST, and must not meet, in one compressed
body, what the asker chose (the BREACH attack). Errors are small.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator

from flask import Flask, Response, request

SMALL_BYTES = 1000
LEVEL = 6
GZIP_WBITS = 31
KINDS = frozenset(
    (
        "application/json",
        "application/openapi+json",
        "text/csv",
        "text/html",
        "text/css",
        "text/javascript",
        "text/plain",
    )
)


def register(app: Flask) -> None:
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if not _is_worth_it(response):
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] <= 0:
        return response
    response.headers["Content-Encoding"] = "gzip"
    _weaken_etag(response)
    if response.is_streamed and response.content_length is None:
        response.response = _stream(response.iter_encoded())
    else:
        response.direct_passthrough = False
        response.set_data(gzip.compress(response.get_data(), LEVEL, mtime=0))
    return response


def _is_worth_it(response: Response) -> bool:
    size = response.content_length
    return (
        (size is None or size >= SMALL_BYTES)
        and response.status_code == 200
        and request.method in ("GET", "HEAD")
        and response.mimetype in KINDS
        and "Content-Encoding" not in response.headers
    )


def _weaken_etag(response: Response) -> None:
    """Other bytes, same meaning: that is what a weak tag says."""
    tag, _ = response.get_etag()
    if tag:
        response.set_etag(tag, weak=True)


def _stream(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Every chunk leaves at once: who follows a long report must not wait for a full buffer."""
    squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP_WBITS)
    for chunk in chunks:
        yield squeeze.compress(chunk) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    yield squeeze.flush()
