"""One body for every failure, whoever refused."""

from __future__ import annotations

import io
import json
import logging

import pytest
from flask import Flask, abort, redirect
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidChunkSize

from app import logs
from app.auth import open_to_all
from app.errors import AppError, invalid_field

KEYS = ["type", "title", "status", "detail", "code", "request_id"]


@pytest.fixture
def app(app: Flask) -> Flask:
    """The app with a few routes that fail in each way there is."""

    failures = {
        "refused": AppError(409, "import_ended", "It is done.", headers={"X-Why": "done"}),
        "field": invalid_field("file", "empty_file", "The file is empty."),
        "chunks": InvalidChunkSize(b"ana.ruiz"),
        "silence": BlockingIOError(),
    }

    @open_to_all
    def fail(how: str) -> object:
        if how == "teapot":
            abort(418)
        if how == "redirect":
            return redirect("/docs")
        if how == "abort-redirect":
            abort(redirect("/docs"))
        raise failures.get(how) or ValueError("ana.ruiz@example.com is in the way")

    app.add_url_rule("/fail/<how>", view_func=fail)
    return app


def test_a_refusal_says_what_and_keeps_its_headers(client: FlaskClient) -> None:
    answer = client.get("/fail/refused", headers={"X-Request-Id": "abc-1"})
    assert answer.status_code == 409
    assert answer.content_type == "application/problem+json"
    assert answer.headers["X-Why"] == "done"
    assert list(answer.json) == KEYS
    assert answer.json == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "It is done.",
        "code": "import_ended",
        "request_id": "abc-1",
    }


def test_a_refused_field_is_named(client: FlaskClient) -> None:
    body = client.get("/fail/field").json
    assert body["code"] == "empty_file"
    assert body["errors"] == [{"field": "file", "message": "The file is empty."}]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1/imports/no-uuid", 404, "not_found"),
        ("PUT", "/health/live", 405, "method_not_allowed"),
        ("GET", "/fail/teapot", 418, "im_a_teapot"),
        ("GET", "/fail/anyhow", 500, "internal_error"),
        ("GET", "/fail/chunks", 400, "bad_request"),
        ("GET", "/fail/silence", 408, "request_timeout"),
    ],
)
def test_every_failure_has_the_same_body(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.json["status"], answer.json["code"]) == (
        status,
        status,
        code,
    )
    assert answer.content_type == "application/problem+json"
    assert list(answer.json) == KEYS
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    assert "GET" in client.put("/health/live").headers["Allow"]


@pytest.mark.parametrize("how", ["redirect", "abort-redirect"])
def test_a_redirect_is_no_failure(client: FlaskClient, how: str) -> None:
    answer = client.get(f"/fail/{how}")
    assert (answer.status_code // 100, answer.headers["Location"]) == (3, "/docs")


@pytest.fixture
def logged() -> io.StringIO:
    stream = io.StringIO()
    logs.configure("info", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_defect_shows_its_place_in_the_log_and_nobodys_data_anywhere(
    client: FlaskClient, logged: io.StringIO
) -> None:
    answer = client.get("/fail/anyhow")
    assert "ana.ruiz" not in answer.text + logged.getvalue()
    defect = next(line for line in lines(logged) if line["event"] == "unexpected_error")
    assert defect["error"] == "ValueError"
    assert defect["request_id"] == answer.json["request_id"]
    assert any("test_problems.py" in place for place in defect["places"])


def test_one_line_per_request_with_the_pattern_and_no_query(
    client: FlaskClient, signed_in: dict[str, str], logged: io.StringIO
) -> None:
    path = "/api/v1/imports/00000000-0000-4000-8000-000000000001"
    client.get(f"{path}?name=ana.ruiz", headers=signed_in)
    (line,) = [line for line in lines(logged) if line["event"] == "request"]
    assert line["method"] == "GET"
    assert line["route"] == "/api/v1/imports/<uuid:import_id>"
    assert (line["status"], line["code"]) == (503, "database_unavailable")
    assert line["user_id"] == "00000000-0000-0000-0000-000000000007"
    assert "ms" in line and "timestamp" in line
    for private in ("ana.ruiz", "owner@example.com", "Bearer", signed_in["Authorization"]):
        assert private not in logged.getvalue()


def test_libraries_log_json_too_and_never_whole_urls(logged: io.StringIO) -> None:
    logging.getLogger("rq.worker").warning("worker %s", "stopped")
    logging.getLogger("httpx").info("HTTP Request: GET /contacts?phone=eq.+15035550142")
    (line,) = lines(logged)
    assert (line["event"], line["level"]) == ("worker stopped", "warning")


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a/../b", "é"])
def test_a_strange_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    echoed = client.get("/health/live", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert echoed != given
    assert len(echoed) == 32


def test_a_sane_request_id_is_kept(client: FlaskClient) -> None:
    answer = client.get("/health/live", headers={"X-Request-Id": "load-balancer.1_2"})
    assert answer.headers["X-Request-Id"] == "load-balancer.1_2"


def test_head_and_options_are_answered_as_get_would_be(client: FlaskClient) -> None:
    head = client.head("/health/live")
    assert (head.status_code, head.data, head.content_length) == (200, b"", 16)
    options = client.options("/api/v1/imports")
    assert (options.status_code, options.data) == (200, b"")
    assert "POST" in options.headers["Allow"]
    assert client.head("/nowhere").status_code == client.options("/nowhere").status_code == 404


def test_a_field_or_a_body_too_large_is_refused(
    client: FlaskClient, signed_in: dict[str, str]
) -> None:
    for form in ({"list_name": "x" * 200_000}, {f"f{n}": "x" for n in range(60)}):
        kind = "multipart/form-data"
        answer = client.post("/api/v1/imports", data=form, headers=signed_in, content_type=kind)
        assert (answer.status_code, answer.json["code"]) == (413, "payload_too_large")
    body = b'{"email": "' + b"x" * 2_000_000 + b'"}'
    kind = "application/json"
    answer = client.post("/api/v1/invites", data=body, headers=signed_in, content_type=kind)
    assert (answer.status_code, answer.json["code"]) == (413, "payload_too_large")
    assert "1 MB" in answer.json["detail"]


def test_a_log_that_cannot_be_written_refuses_no_request(client: FlaskClient) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    logs.configure("info", Full())
    assert client.get("/health/live").status_code == 200
