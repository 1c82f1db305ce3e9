"""gunicorn's own part of the door; the rest of it is in tests/stories."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeader, InvalidResponseHeader, LimitRequestHeaders

from app import logs
from app.server import Logger, Worker, give_up_on_silence

PERSON = "ana.ruiz"


@pytest.fixture
def logged() -> io.StringIO:
    stream = io.StringIO()
    logs.configure("info", stream)
    return stream


@pytest.fixture
def worker() -> Iterator[Worker]:
    found = Worker(0, 0, [], None, 30, Config(), None)
    yield found
    found.tmp.close()


def answer(worker: Worker, error: Exception) -> tuple[bytes, dict[str, object]]:
    """What a client is told of an error: the status line and the body."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker.handle_error(None, ours, ("192.0.2.7", 1), error)
        ours.close()
        head, _, body = theirs.makefile("rb").read().partition(b"\r\n\r\n")
    assert b"X-Content-Type-Options: nosniff" in head
    return head.split(b"\r\n")[0], json.loads(body)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidHeader(PERSON), b"400 Bad Request", "bad_request"),
        (LimitRequestHeaders(PERSON), b"431 Request Header Fields Too Large", "headers_too_large"),
        (InvalidResponseHeader(PERSON), b"500 Internal Server Error", "internal_error"),
        (ValueError(PERSON), b"500 Internal Server Error", "internal_error"),
    ],
)
def test_its_refusals_have_our_body_and_say_nothing_of_what_was_sent(
    worker: Worker, logged: io.StringIO, error: Exception, status: bytes, code: str
) -> None:
    line, body = answer(worker, error)
    assert line == b"HTTP/1.1 " + status
    assert list(body) == ["type", "title", "status", "detail", "code", "request_id"]
    assert body["code"] == code
    assert PERSON not in str(body) + logged.getvalue()
    assert str(body["request_id"]) in logged.getvalue()


def test_a_client_that_is_gone_is_told_nothing(worker: Worker, logged: io.StringIO) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        worker.handle_error(None, ours, ("192.0.2.7", 1), InvalidHeader(PERSON))
    assert "answer_not_taken" in logged.getvalue()


def test_its_log_names_no_address_and_quotes_no_exception(logged: io.StringIO) -> None:
    logger = Logger(Config())
    logs.configure("info", logged)
    try:
        raise ValueError(PERSON)
    except ValueError:
        logger.exception("Error handling request %s %s", "GET", f"/?name={PERSON}")
    (line,) = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert (line["what"], line["error"]) == ("Error handling request", "ValueError")
    assert PERSON not in logged.getvalue()


def test_a_client_that_falls_silent_is_given_up(logged: io.StringIO) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        give_up_on_silence(ours, after_s=1)
        theirs.send(b"GET ")
        assert ours.recv(10) == b"GET "
        with pytest.raises(BlockingIOError):
            ours.recv(10)
    logger = Logger(Config())
    logs.configure("info", logged)
    try:
        raise BlockingIOError
    except BlockingIOError:
        logger.exception("Socket error processing request.")
    assert "client_fell_silent" in logged.getvalue()
    assert "error" not in logged.getvalue()
