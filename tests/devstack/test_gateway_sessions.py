"""Sessions as rows and as tokens: what ends them, and who may go on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt
import pytest

from devstack.layout import CHECKOUT
from devstack.migrations import supabase
from devstack.stack import Stack
from supabase import Client
from tests.devstack.conftest import Person, SignIn
from tests.devstack.gateway_process import Gateway


def refresh(gateway: Gateway, token: str) -> httpx.Response:
    return gateway.auth("/token?grant_type=refresh_token", refresh_token=token)


def session_of(client: Client) -> tuple[str, str]:
    """(session id, refresh token)."""
    session = client.auth.get_session()
    assert session is not None
    claims = jwt.decode(session.access_token, options={"verify_signature": False})
    return claims["session_id"], session.refresh_token


def rows(gateway: Gateway, person: Person) -> set[str]:
    found = gateway.sql("select id from auth.sessions where user_id = %s", (person.id,))
    return {str(row["id"]) for row in found}


def test_many_refreshes_at_once_get_the_same_child(
    gateway: Gateway, sign_in: SignIn, person: Person
) -> None:
    _, token = session_of(sign_in(person))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: refresh(gateway, token).json(), range(6)))
    assert len({answer["refresh_token"] for answer in answers}) == 1
    active = "select id from auth.refresh_tokens where user_id = %s and not revoked"
    assert len(gateway.sql(active, (person.id,))) == 1


def test_stolen_old_token_ends_the_newest_too(
    gateway: Gateway, sign_in: SignIn, person: Person
) -> None:
    _, first = session_of(sign_in(person))
    second = refresh(gateway, first).json()["refresh_token"]
    third = refresh(gateway, second).json()["refresh_token"]
    gateway.sql(
        "update auth.refresh_tokens set updated_at = updated_at - interval '11 seconds'"
        " where user_id = %s",
        (person.id,),
    )
    assert refresh(gateway, first).json()["error_code"] == "refresh_token_already_used"
    assert rows(gateway, person) == set()
    for token in (first, second, third):
        refused = refresh(gateway, token)
        assert refused.status_code == 400
        assert refused.json()["error_code"] == "refresh_token_not_found"


@pytest.mark.parametrize(("scope", "left"), [("global", ""), ("local", "ab"), ("others", "m")])
def test_logout_deletes_the_rows_of_its_scope(
    gateway: Gateway, sign_in: SignIn, person: Person, scope: Any, left: str
) -> None:
    clients = {name: sign_in(person) for name in "mab"}
    ids = {name: session_of(client)[0] for name, client in clients.items()}
    clients["m"].auth.sign_out({"scope": scope})
    assert rows(gateway, person) == {ids[name] for name in left}


def test_new_password_ends_every_other_session(
    gateway: Gateway, sign_in: SignIn, person: Person
) -> None:
    mine, other = sign_in(person), sign_in(person)
    (kept, _), (_, lost) = session_of(mine), session_of(other)
    mine.auth.update_user({"password": "another horse"})
    assert rows(gateway, person) == {kept}
    assert refresh(gateway, lost).json()["error_code"] == "refresh_token_not_found"


def test_level_of_a_token_is_that_of_its_session(
    gateway: Gateway, sign_in: SignIn, person: Person
) -> None:
    session, token = session_of(sign_in(person))
    gateway.sql("update auth.sessions set aal = 'aal2' where id = %s", (session,))
    fresh = refresh(gateway, token).json()["access_token"]
    assert jwt.decode(fresh, options={"verify_signature": False})["aal"] == "aal2"


@pytest.mark.parametrize(
    ("password", "reasons"),
    [
        ("Short-1", ["length"]),
        ("no upper 1-", ["characters"]),
        ("NO LOWER 1-", ["characters"]),
        ("No-digit-here", ["characters"]),
        ("NoSymbol1234", ["characters"]),
        ("abc", ["length", "characters"]),
    ],
)
def test_weak_passwords_are_refused_by_the_rules_of_config_toml(
    stack: Stack, password: str, reasons: list[str]
) -> None:
    served = Gateway(stack.env, 0, CHECKOUT)
    body = {"email": "weak@example.com", "password": password}
    refused = served.auth("/admin/users", served.service_key, **body)
    assert refused.status_code == 422 and refused.json()["error_code"] == "weak_password"
    assert refused.json()["weak_password"]["reasons"] == reasons


def test_seeded_people_sign_in_and_are_told_of_their_weak_password(stack: Stack) -> None:
    served = Gateway(stack.env, 0, CHECKOUT)
    body = {"email": "owner@example.com", "password": "demo-password"}
    answer = served.auth("/token?grant_type=password", **body)
    assert answer.status_code == 200
    assert answer.json()["weak_password"]["reasons"] == ["characters"]


def test_supabases_own_program_understands_config_toml(stack: Stack) -> None:
    url = f"{stack.env['DATABASE_URL']}?sslmode=disable"
    done = supabase("db", "lint", f"--remote={url}", "-s", "private")
    assert done.returncode == 0 and "config.toml" not in done.stderr, done.stderr
