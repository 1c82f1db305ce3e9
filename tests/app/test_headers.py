"""What every answer carries, whatever it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from app.config import Config
from tests.people import Location

ANSWERS = [
    ("GET", "/health/live", 200),
    ("GET", "/docs", 200),
    ("GET", "/docs/docs.js", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/nowhere", 404),
    ("PUT", "/health/live", 405),
    ("GET", "/api/v1/imports/00000000-0000-4000-8000-000000000001", 401),
    ("OPTIONS", "/api/v1/imports", 200),
    ("HEAD", "/docs", 200),
]

Open = Callable[[Config], FlaskClient]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_has_them_once(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = client.open(path, method=method, buffered=True)
    assert answer.status_code == status
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
    ):
        assert answer.headers.getlist(name) == [value]
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert len(answer.headers.getlist("Cache-Control")) == 1


def test_a_page_may_load_what_is_ours_and_data_nothing(client: FlaskClient) -> None:
    page = client.get("/docs", buffered=True).headers["Content-Security-Policy"]
    assert "script-src 'self'" in page
    data = client.get("/nowhere").headers["Content-Security-Policy"]
    assert data.startswith("default-src 'none'; base-uri")
    assert "unsafe" not in page + data


def test_the_docs_page_keeps_to_its_own_policy(client: FlaskClient) -> None:
    html = client.get("/docs", buffered=True).text
    assert not re.search(r"<script(?![^>]*\bsrc=\"/docs/)|<style|\son\w+=|\sstyle=|//[a-z]", html)


def test_data_is_not_kept_and_a_page_is_asked_for_again(client: FlaskClient) -> None:
    assert client.get("/health/live").headers["Cache-Control"] == "no-store"
    assert client.get("/docs", buffered=True).headers["Cache-Control"] == "no-cache"


def test_https_is_insisted_on_where_it_is_spoken(config: Config, open_client: Open) -> None:
    proto = {"X-Forwarded-Proto": "https"}
    behind_a_proxy = open_client(replace(config, trusted_proxies=1))
    alone = open_client(config)
    assert (
        "max-age="
        in behind_a_proxy.get("/health/live", headers=proto).headers["Strict-Transport-Security"]
    )
    assert "Strict-Transport-Security" not in alone.get("/health/live", headers=proto).headers
    over_https = alone.get("/health/live", base_url="https://crm.example.com")
    assert "Strict-Transport-Security" in over_https.headers


def test_the_time_it_took_is_told(client: FlaskClient, signed_in: dict[str, str]) -> None:
    told = client.get("/health/live").headers["Server-Timing"]
    assert re.fullmatch(r"total;dur=\d+\.\d", told)


def test_what_was_waited_for_is_told_apart(live: FlaskClient, team: Location) -> None:
    path = "/api/v1/imports/00000000-0000-4000-8000-000000000001"
    told = live.get(path, headers=team.owner.bearer).headers["Server-Timing"]
    assert re.fullmatch(r"total;dur=\d+\.\d, db;dur=\d+\.\d", told)
    total, db = (float(part.rpartition("=")[2]) for part in told.split(", "))
    assert total > db > 0


def test_another_origin_sees_what_it_needs(client: FlaskClient) -> None:
    origin = {"Origin": "https://crm.example.com"}
    shown = client.get("/nowhere", headers=origin).headers
    assert shown["Access-Control-Allow-Origin"] == "https://crm.example.com"
    for name in ("RateLimit", "Retry-After", "Server-Timing", "X-Request-Id"):
        assert name in shown["Access-Control-Expose-Headers"]
    stranger = client.get("/nowhere", headers={"Origin": "https://evil.example.net"}).headers
    assert "Access-Control-Allow-Origin" not in stranger
