"""API keys at the door: when Postgres is asked, and what is kept of the answer."""

from __future__ import annotations

import httpx
import pytest

from app.api_keys import KEEP_S, KeyCheck, refuse_programs
from app.auth import User
from app.db import Database
from app.errors import AppError

KEY = f"aac_0123abcd_{'A' * 43}"
FACTS = {"id": "key", "user_id": "maker", "location_id": "here", "prefix": "aac_0123abcd"}


class Door:
    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answer = httpx.Response(200, json=FACTS)
        self.guesses = 0
        self.now = 0.0
        http = httpx.Client(transport=httpx.MockTransport(self._say))
        self.check = KeyCheck(Database("http://sb", "anon", http), self._guess, lambda: self.now)

    def _say(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer

    def _guess(self) -> None:
        if self.guesses > 3:
            raise AppError(429, "too_many_requests", "Wait.")
        self.guesses += 1


@pytest.fixture
def door() -> Door:
    return Door()


def test_a_program_is_known_by_its_key(door: Door) -> None:
    user = door.check.user(KEY)
    assert (user.id, user.key_id, user.key_prefix) == ("maker", "key", "aac_0123abcd")
    assert user.location_id == "here"
    assert KEY not in repr(user)
    (request,) = door.asked
    assert request.url == "http://sb/rest/v1/rpc/use_api_key"
    assert request.headers["X-Api-Key"] == KEY and request.headers["apikey"] == "anon"
    assert "Authorization" not in request.headers


def test_postgres_is_asked_once_a_minute(door: Door) -> None:
    for _ in range(3):
        door.check.user(KEY)
    assert len(door.asked) == 1
    door.now += KEEP_S
    door.check.user(KEY)
    assert len(door.asked) == 2
    assert KEEP_S <= 60


def test_a_refused_key_is_not_remembered_and_guesses_are_counted(door: Door) -> None:
    door.answer = httpx.Response(
        401, json={"code": "PT401", "message": "invalid_api_key", "details": "Unknown."}
    )
    said = []
    for _ in range(5):
        with pytest.raises(AppError) as refused:
            door.check.user(KEY)
        said.append(refused.value.code)
    assert said == ["invalid_api_key"] * 4 + ["too_many_requests"]
    assert len(door.asked) == 4


def test_some_things_are_for_people() -> None:
    refuse_programs(User("person", "", ""), "keys_cannot", "No.")
    with pytest.raises(AppError) as refused:
        refuse_programs(User("maker", "", KEY, key_id="key"), "keys_cannot", "No.")
    assert (refused.value.status, refused.value.code) == (403, "keys_cannot")
