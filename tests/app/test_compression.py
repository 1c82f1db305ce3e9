"""What is sent squeezed, what is not, and that a stream stays one."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from app.auth import open_to_all

GZIP = {"Accept-Encoding": "gzip, br"}
ROW = "a row of a long report\r\n"


@pytest.fixture
def app(app: Flask) -> Flask:
    @open_to_all
    def text(kind: str) -> Response:
        body = ROW * (2 if kind == "small" else 200)
        mimetype = "image/png" if kind == "picture" else "text/csv"
        return Response(body, mimetype=mimetype)

    @open_to_all
    def report() -> Response:
        def lines() -> Iterator[str]:
            yield ROW
            asked.append("for more")
            yield ROW

        asked: list[str] = app.extensions["asked"]
        return Response(lines(), mimetype="text/csv")

    app.extensions["asked"] = []
    app.add_url_rule("/text/<kind>", view_func=text, methods=["GET", "POST"])
    app.add_url_rule("/report", view_func=report)
    return app


def test_a_long_answer_is_squeezed(client: FlaskClient) -> None:
    answer = client.get("/text/long", headers=GZIP)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.content_length == len(answer.data) < 400
    assert gzip.decompress(answer.data).decode() == ROW * 200


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity"])
def test_who_does_not_ask_gets_it_plain(client: FlaskClient, accepted: str) -> None:
    answer = client.get("/text/long", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.text == ROW * 200


@pytest.mark.parametrize("path", ["/text/small", "/text/picture", "/nowhere", "/health/live"])
def test_the_small_the_squeezed_and_the_failed_stay_as_they_are(
    client: FlaskClient, path: str
) -> None:
    assert "Content-Encoding" not in client.get(path, headers=GZIP).headers


def test_what_answers_a_post_is_never_squeezed(client: FlaskClient) -> None:
    assert "Content-Encoding" not in client.post("/text/long", headers=GZIP).headers


def test_head_tells_what_get_would(client: FlaskClient) -> None:
    head, get = (client.open("/text/long", method=m, headers=GZIP) for m in ("HEAD", "GET"))
    assert head.data == b""
    assert head.headers["Content-Encoding"] == "gzip"
    assert head.content_length == get.content_length


def test_a_stream_leaves_row_by_row(client: FlaskClient, app: Flask) -> None:
    answer = client.get("/report", headers=GZIP)
    squeezed = iter(answer.response)
    reader = zlib.decompressobj(31)
    assert reader.decompress(next(squeezed)).decode() == ROW
    assert app.extensions["asked"] == []
    rest = b"".join(squeezed)
    assert reader.decompress(rest).decode() == ROW
    assert reader.eof


def test_a_file_known_already_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/docs/docs.js", headers=GZIP, buffered=True)
    assert first.headers["Content-Encoding"] == "gzip"
    assert first.headers["ETag"].startswith("W/")
    known = {**GZIP, "If-None-Match": first.headers["ETag"]}
    again = client.get("/docs/docs.js", headers=known, buffered=True)
    assert (again.status_code, again.data) == (304, b"")
