"""What a request must carry to be let in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.auth import LONGEST_TOKEN
from app.config import Config
from tests.app.issuer import Issuer

SOME_IMPORT = "/api/v1/imports/00000000-0000-4000-8000-000000000001"
KEY = f"aac_0123abcd_{'A' * 43}"

Sign = Callable[..., str]


def said(client: FlaskClient, *headers: tuple[str, str]) -> tuple[int, str]:
    answer = client.get(SOME_IMPORT, headers=list(headers))
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    return answer.status_code, answer.json["code"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic b3duZXI6cHc=", "token abc"])
def test_a_request_without_a_bearer_token_is_told_so(client: FlaskClient, header: str) -> None:
    assert said(client, ("Authorization", header)) == (401, "missing_token")


@pytest.mark.parametrize("token", ["x", "a.b.c", "sb_secret_x", "é", "A" * (LONGEST_TOKEN + 1)])
def test_what_is_no_token_is_told_so(client: FlaskClient, token: str) -> None:
    answer = client.get(SOME_IMPORT, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_good_token_comes_as_far_as_the_database(client: FlaskClient, sign: Sign) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        given = ("Authorization", f"{scheme} {sign()}")
        assert said(client, given) == (503, "database_unavailable")


def test_two_credentials_are_one_too_many(client: FlaskClient, sign: Sign) -> None:
    person, program = f"Bearer {sign()}", f"Bearer {KEY}"
    for two in (
        [("Authorization", person), ("X-Api-Key", KEY)],
        [("Authorization", program), ("X-Api-Key", KEY)],
        [("Authorization", f"{person},{person}")],
        [("X-Api-Key", f"{KEY}, {KEY}")],
    ):
        assert said(client, *two) == (400, "two_credentials")


@pytest.mark.parametrize("key", ["aac_", "aac_x_y", KEY[:-1], f"{KEY}A", KEY.replace("0", "G")])
def test_what_cannot_be_an_api_key_is_refused_without_asking(client: FlaskClient, key: str) -> None:
    assert said(client, ("X-Api-Key", key)) == (401, "invalid_api_key")
    assert said(client, ("Authorization", f"Bearer {key}")) == (401, "invalid_api_key")


def test_a_token_is_no_api_key(client: FlaskClient, sign: Sign) -> None:
    assert said(client, ("X-Api-Key", sign())) == (401, "invalid_api_key")


def test_what_may_be_an_api_key_is_asked_of_the_database(client: FlaskClient) -> None:
    assert said(client, ("X-Api-Key", KEY)) == (503, "database_unavailable")


def test_without_a_secret_the_app_asks_the_issuer_for_its_keys(
    config: Config, claims: dict[str, Any]
) -> None:
    client = create_app(replace(config, jwt_secret="")).test_client()
    given = ("Authorization", f"Bearer {Issuer().sign(claims)}")
    assert said(client, given) == (503, "auth_unavailable")
