"""Who is counted, what he is told, and what is never refused. Redis is away: the process counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.config import Config, Quotas
from app.rate_limits import network

IMPORT = "/api/v1/imports/00000000-0000-4000-8000-000000000001"
KEY = f"aac_0123abcd_{'A' * 43}"
OTHER = "00000000-0000-0000-0000-000000000008"
Sign = Callable[..., str]

Open = Callable[[Config], FlaskClient]


@pytest.fixture
def config(config: Config) -> Config:
    quotas = Quotas(user=5, key=5, ip=20, open=4, failed=3)
    return replace(config, quotas=quotas, metrics_token="m" * 16)


@pytest.fixture
def app(config: Config) -> Flask:
    return create_app(config)


def bearer(sign: Sign, **claims: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {sign(**claims)}"}


def statuses(client: FlaskClient, path: str, times: int, **more: object) -> list[int]:
    return [client.get(path, **more).status_code for _ in range(times)]  # type: ignore[arg-type]


def test_a_person_is_told_what_is_left_and_refused_when_nothing_is(
    client: FlaskClient, sign: Sign
) -> None:
    headers = bearer(sign)
    first = client.get(IMPORT, headers=headers)
    assert first.status_code == 503  # the database of these tests is away
    assert first.headers["RateLimit-Policy"] == '"user";q=5;w=60'
    assert first.headers["RateLimit"].startswith('"user";r=4;t=')
    assert statuses(client, IMPORT, 4, headers=headers) == [503] * 4
    refused = client.get(IMPORT, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_requests")
    assert refused.content_type == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit"].startswith('"user";r=0;t=')


def test_persons_of_one_network_are_counted_apart(client: FlaskClient, sign: Sign) -> None:
    assert statuses(client, IMPORT, 6, headers=bearer(sign)) == [503] * 5 + [429]
    assert statuses(client, IMPORT, 5, headers=bearer(sign, sub=OTHER)) == [503] * 5


def test_a_network_has_a_limit_of_its_own(client: FlaskClient, sign: Sign) -> None:
    for n in range(4):
        sub = f"00000000-0000-0000-0000-00000000001{n}"
        assert statuses(client, IMPORT, 5, headers=bearer(sign, sub=sub)) == [503] * 5
    answer = client.get(IMPORT, headers=bearer(sign, sub=OTHER))
    assert answer.status_code == 429
    assert "network" in answer.json["detail"]
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    answer = client.get(IMPORT, headers=bearer(sign, sub=OTHER), environ_overrides=elsewhere)
    assert answer.status_code == 503


def test_what_needs_no_token_is_limited_by_network(client: FlaskClient) -> None:
    assert statuses(client, "/openapi.json", 5) == [200] * 4 + [429]


def test_who_fails_to_sign_in_is_slowed_down(client: FlaskClient, sign: Sign) -> None:
    wrong = {"Authorization": "Bearer nonsense"}
    assert statuses(client, IMPORT, 3, headers=wrong) == [401] * 3
    refused = client.get(IMPORT, headers=wrong)
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_requests")
    assert "WWW-Authenticate" not in refused.headers
    # Whoever is signed in behind the same router goes on.
    assert client.get(IMPORT, headers=bearer(sign)).status_code == 503


def test_guesses_at_keys_are_refused_before_they_are_checked(client: FlaskClient) -> None:
    key = {"X-Api-Key": KEY}
    assert client.get(IMPORT, headers=key).status_code == 503  # it asks the database
    assert statuses(client, IMPORT, 3, headers={"Authorization": "Bearer nonsense"}) == [401] * 3
    assert client.get(IMPORT, headers=key).status_code == 429


def test_guessing_the_metrics_token_counts(client: FlaskClient) -> None:
    wrong = {"Authorization": "Bearer nonsense"}
    assert statuses(client, "/metrics", 4, headers=wrong) == [401] * 3 + [429]


def test_health_and_preflight_are_never_refused(client: FlaskClient) -> None:
    assert statuses(client, "/health/live", 30) == [200] * 30
    assert [client.options(IMPORT).status_code for _ in range(30)] == [200] * 30


def test_nought_means_no_limit(config: Config, open_client: Open) -> None:
    unlimited = open_client(replace(config, quotas=Quotas(0, 0, 0, 0, 0)))
    answers = [unlimited.get("/docs/docs.css", buffered=True) for _ in range(30)]
    assert all(answer.status_code == 200 for answer in answers)
    assert "RateLimit" not in answers[0].headers
    assert statuses(unlimited, IMPORT, 30) == [401] * 30
    assert statuses(unlimited, IMPORT, 2, headers={"X-Api-Key": KEY}) == [503] * 2


def forwarded(client: FlaskClient, address: str) -> int:
    return client.get("/openapi.json", headers={"X-Forwarded-For": address}).status_code


def test_a_header_is_believed_only_behind_a_proxy_of_ours(
    config: Config, open_client: Open
) -> None:
    alone = open_client(config)
    assert [forwarded(alone, f"192.0.2.{n}") for n in range(5)] == [200] * 4 + [429]
    behind_one = open_client(replace(config, trusted_proxies=1))
    assert [forwarded(behind_one, f"192.0.2.{n}") for n in range(5)] == [200] * 5
    # What the caller himself wrote stands before what our proxy added.
    assert [forwarded(behind_one, f"192.0.2.{n}, 192.0.2.0") for n in range(4)][3] == 429


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_an_address_stands_for_its_network(address: str, counted_as: str) -> None:
    assert network(address) == counted_as
