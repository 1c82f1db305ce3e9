"""How long public keys are believed, and how often their issuer is asked."""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from app.errors import AppError
from app.jwks import KEEP_S, REFETCH_GAP_S, REFRESH_S, STALE_S, PublicKeys
from tests.app.issuer import Issuer

SOON_S = 10


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def test_a_key_is_asked_for_once(issuer: Issuer) -> None:
    assert issuer.public_keys.get("first") is issuer.public_keys.get("first")
    assert issuer.asked == 1


def test_a_key_that_was_revoked_is_gone_after_ten_minutes(issuer: Issuer) -> None:
    assert issuer.public_keys.get("first")
    issuer.keys.clear()
    issuer.clock_s += KEEP_S + 1
    assert issuer.public_keys.get("first") is None


def test_a_new_key_is_found_by_one_more_question(issuer: Issuer) -> None:
    issuer.public_keys.get("first")
    issuer.add("second")
    assert issuer.public_keys.get("second") is None
    issuer.clock_s += REFETCH_GAP_S + 1
    assert issuer.public_keys.get("second")
    assert issuer.asked == 2


def test_made_up_key_ids_do_not_make_us_ask_again_and_again(issuer: Issuer) -> None:
    issuer.public_keys.get("first")
    assert [issuer.public_keys.get(made_up) for made_up in "abc"] == [None] * 3
    assert issuer.asked == 1


def test_while_one_asks_the_others_go_on_with_what_is_known(issuer: Issuer) -> None:
    known = issuer.public_keys.get("first")
    issuer.clock_s += REFRESH_S + 1
    seen: list[object] = []

    def another() -> None:
        thread = threading.Thread(target=lambda: seen.append(issuer.public_keys.get("first")))
        thread.start()
        thread.join(SOON_S)

    issuer.meanwhile = another
    assert issuer.public_keys.get("first") is not known
    assert seen == [known] and issuer.asked == 2


def test_nobody_waits_for_an_issuer_that_is_known_to_be_away(issuer: Issuer) -> None:
    known = issuer.public_keys.get("first")
    issuer.away = True
    issuer.clock_s += KEEP_S + 1
    assert issuer.public_keys.get("first") is known
    issuer.clock_s += REFETCH_GAP_S + 1
    seen: list[object] = []

    def another() -> None:
        thread = threading.Thread(target=lambda: seen.append(issuer.public_keys.get("first")))
        thread.start()
        thread.join(SOON_S)

    issuer.meanwhile = another
    assert issuer.public_keys.get("first") is known
    assert seen == [known] and issuer.asked == 3


def test_an_unknown_key_is_not_refused_while_somebody_asks(issuer: Issuer) -> None:
    """A key that has just begun to sign: its holder must not be told to sign in again."""
    issuer.public_keys.get("first")
    issuer.add("second")
    issuer.clock_s += REFETCH_GAP_S + 1
    seen: list[object] = []

    def another() -> None:
        try:
            seen.append(issuer.public_keys.get("second"))
        except AppError as refused:
            seen.append(refused.code)

    def meanwhile() -> None:
        thread = threading.Thread(target=another)
        thread.start()
        thread.join(SOON_S)

    issuer.meanwhile = meanwhile
    assert issuer.public_keys.get("second")
    assert seen == ["auth_unavailable"] and issuer.asked == 2


def test_many_at_once_ask_once(issuer: Issuer) -> None:
    """With nothing known, all wait for the one answer."""
    started = threading.Barrier(8)
    asking, answer = threading.Event(), threading.Event()

    def slowly() -> None:
        asking.set()
        answer.wait(SOON_S)

    def ask() -> object:
        started.wait(SOON_S)
        return issuer.public_keys.get("first")

    issuer.meanwhile = slowly
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(ask) for _ in range(8)]
        assert asking.wait(SOON_S)
        answer.set()
        assert len({id(question.result(SOON_S)) for question in asked}) == 1
    assert issuer.asked == 1


def test_an_issuer_that_is_away_is_said_to_be_away_and_not_pressed(issuer: Issuer) -> None:
    issuer.away = True
    for _ in range(3):
        with pytest.raises(AppError) as refused:
            issuer.public_keys.get("first")
        assert (refused.value.status, refused.value.code) == (503, "auth_unavailable")
        assert "Retry-After" in refused.value.headers
    assert issuer.asked == 1
    issuer.away = False
    issuer.clock_s += REFETCH_GAP_S + 1
    assert issuer.public_keys.get("first")


def test_while_the_issuer_is_away_known_keys_hold_for_an_hour(issuer: Issuer) -> None:
    known = issuer.public_keys.get("first")
    issuer.away = True
    issuer.clock_s += STALE_S - 1
    assert issuer.public_keys.get("first") is known
    issuer.clock_s += 2
    with pytest.raises(AppError) as refused:
        issuer.public_keys.get("first")
    assert refused.value.status == 503


def test_whether_an_unknown_key_is_good_cannot_be_said_without_the_issuer(issuer: Issuer) -> None:
    issuer.public_keys.get("first")
    issuer.away = True
    issuer.clock_s += REFETCH_GAP_S + 1
    with pytest.raises(AppError) as refused:
        issuer.public_keys.get("second")
    assert refused.value.status == 503


def test_keys_of_other_kinds_are_passed_over(issuer: Issuer) -> None:
    shared = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    issuer.extra = [
        {"kty": "oct", "k": shared, "kid": "oct", "alg": "HS256"},
        {"kty": "?"},
        {"kty": "EC", "crv": "P-256", "x": 1, "y": None, "kid": "broken"},
        "no key at all",
        {**issuer.jwk("first"), "kid": None},
    ]
    assert issuer.public_keys.get("first")
    assert issuer.public_keys.get("oct") is None and issuer.public_keys.get("broken") is None


@pytest.mark.parametrize("answer", [{"keys": None}, [], {}, "no json"])
def test_what_is_no_list_of_keys_is_no_answer(answer: Any) -> None:
    def say(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, str):
            return httpx.Response(200, text=answer)
        return httpx.Response(200, json=answer)

    keys = PublicKeys("http://issuer/jwks", httpx.Client(transport=httpx.MockTransport(say)))
    with pytest.raises(AppError) as refused:
        keys.get("first")
    assert refused.value.status == 503


def test_a_project_without_public_keys_opens_nothing(issuer: Issuer) -> None:
    issuer.keys.clear()
    assert issuer.public_keys.get("first") is None
