"""Many at once: the cap holds to the text, one worker has a text, one id is one text."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from devstack.stack import Stack
from tests.messaging.send.office import Office

AT_ONCE = 8
MORNING = "2026-12-01 15:00+00"

Work = Callable[[psycopg.Connection[Any], int], str]


def at_once(stack: Stack, work: Work) -> list[str]:
    def one(nth: int) -> str:
        with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as db:
            return work(db, nth)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def placing(office: Office, each: int, at: str) -> Work:
    def place(db: psycopg.Connection[Any], nth: int) -> str:
        placed = 0
        for n in range(each):
            try:
                db.execute(
                    "select private.place_text(%s, %s, 'cold', array[%s], 'Hello', p_now => %s)",
                    (office.place.id, office.number_id, f"+1617555{nth}{n:03}", at),
                )
                placed += 1
            except (psycopg.errors.CheckViolation, psycopg.errors.RaiseException):
                continue
            except psycopg.DatabaseError as error:
                assert error.sqlstate == "PT409", error
        return str(placed)

    return place


def test_the_126th_of_a_day_is_impossible(office: Office, stack: Stack) -> None:
    """Eight try forty where five are left; and what was sent the day before counts, too."""
    office.value(
        "select count(private.place_text(%s, %s, 'cold', array['+1617556' || to_char(n, 'FM0000')],"
        " 'Hello', p_now => %s)) from generate_series(1, 120) n",
        *(office.place.id, office.number_id, MORNING),
    )
    told = at_once(stack, placing(office, 5, MORNING))
    assert sum(map(int, told)) == 5
    assert office.used("cold") == 125
    assert sum(map(int, at_once(stack, placing(office, 1, "2026-12-02 14:59:59+00")))) == 0
    assert sum(map(int, at_once(stack, placing(office, 1, "2026-12-02 15:00:01+00")))) == 8


def test_a_text_is_claimed_by_one(office: Office, stack: Stack) -> None:
    texts = [office.text() for _ in range(20)]

    def claim(db: psycopg.Connection[Any], nth: int) -> str:
        found: list[str] = []
        while row := db.execute("select claim_outbound(5)").fetchone():
            if not row[0]["looked_at"]:
                break
            found += [text["id"] for text in row[0]["claimed"]]
        return " ".join(found)

    claimed = Counter(" ".join(at_once(stack, claim)).split())
    assert claimed == Counter(texts)


@pytest.mark.parametrize("many", [AT_ONCE])
def test_one_id_is_one_text(office: Office, stack: Stack, many: int) -> None:
    phone, text = office.phone(), str(uuid.uuid4())
    claims = f'{{"sub": "{office.place.owner.id}", "role": "authenticated"}}'

    def queue(db: psycopg.Connection[Any], nth: int) -> str:
        with db.transaction():
            db.execute(
                "select set_config('request.jwt.claims', %s, true),"
                " set_config('role', 'authenticated', true)",
                (session_of(office, claims),),
            )
            row = db.execute(
                "select queue_message(%s, p_phone => %s, p_body => 'Hello') ->> 'id'", (text, phone)
            ).fetchone()
        return str(row and row[0])

    assert set(at_once(stack, queue)) == {text}
    query = "select count(*) from outbound where location_id = %s"
    assert office.value(query, office.place.id) == 1


def session_of(office: Office, claims: str) -> str:
    session = office.value(
        "select id from auth.sessions where user_id = %s limit 1", office.place.owner.id
    )
    return claims.replace("}", f', "session_id": "{session}"}}')
