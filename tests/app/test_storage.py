"""What is asked of the Storage API, and what the caller is told when it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from app.errors import AppError
from app.storage import Storage


def storage(answer: Callable[[httpx.Request], httpx.Response]) -> Storage:
    return Storage("http://sb", "anon", httpx.Client(transport=httpx.MockTransport(answer)))


def test_an_upload_is_streamed_with_its_length_and_the_callers_token() -> None:
    taken = 0

    def pieces() -> Iterator[bytes]:
        nonlocal taken
        for piece in (b"ab", b"cd"):
            taken += 1
            yield piece

    def answer(request: httpx.Request) -> httpx.Response:
        assert taken == 2
        assert request.method == "POST"
        assert request.url.raw_path == b"/storage/v1/object/imports/one/a%20b.csv"
        assert request.headers["Content-Length"] == "4"
        assert "Transfer-Encoding" not in request.headers
        assert request.headers["Authorization"] == "Bearer token"
        assert request.read() == b"abcd"
        return httpx.Response(200, json={"Key": "imports/one/a b.csv"})

    storage(answer).upload(
        "token", "imports", "one/a b.csv", pieces(), size_bytes=4, media_type="text/csv"
    )


def test_a_signed_address_is_absolute() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.read() == b'{"expiresIn":60}'
        return httpx.Response(200, json={"signedURL": "/object/sign/imports/one?token=t"})

    url = storage(answer).signed_url("token", "imports", "one", expires_s=60)
    assert url == "http://sb/storage/v1/object/sign/imports/one?token=t"


def body(status: str) -> dict[str, str]:
    return {"statusCode": status, "error": "E", "message": "row of somebody@example.com"}


@pytest.mark.parametrize(
    ("http_status", "answered", "status", "code"),
    [
        (400, body("401"), 401, "invalid_token"),
        (400, body("403"), 403, "not_permitted"),
        (400, body("404"), 404, "not_found"),
        (400, body("409"), 409, "already_exists"),
        (413, body("413"), 413, "payload_too_large"),
        (400, body("415"), 415, "unsupported_media_type"),
        (400, body("400"), 500, "internal_error"),
        (500, body("500"), 503, "storage_unavailable"),
        (502, "<html>", 503, "storage_unavailable"),
        (403, [], 403, "not_permitted"),
    ],
)
def test_storage_refusals_become_ours_without_its_words(
    http_status: int, answered: Any, status: int, code: str
) -> None:
    with pytest.raises(AppError) as refused:
        storage(lambda _: httpx.Response(http_status, json=answered)).remove("t", "imports", "one")
    assert (refused.value.status, refused.value.code) == (status, code)
    assert "somebody" not in refused.value.detail


def test_no_answer_is_storage_unavailable() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(AppError) as refused:
        storage(broken).remove("t", "imports", "one")
    assert (refused.value.status, refused.value.code) == (503, "storage_unavailable")
