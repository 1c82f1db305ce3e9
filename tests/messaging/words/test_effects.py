"""What a keyword does beside its row: sends cancelled, one answer, holds and todos."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from devstack.stack import Stack
from tests.messaging.words.conftest import Texter, at

Make = Callable[..., Texter]
OUT = "Example Foundations: You are unsubscribed and will get no more texts from us. Reply START"


def queue(one: Texter, kind: str, state: str = "queued") -> str:
    (row,) = one.rows(
        "select id from private.place_text(%s, %s, %s, array[%s], 'Hello', %s, p_now => %s)",
        one.place.id, one.number, kind, one.phone, state, at(-5),
    )  # fmt: skip
    return str(row["id"])


def state(one: Texter, outbound: str) -> tuple[str, str]:
    (row,) = one.rows("select state, rule from outbound where id = %s", outbound)
    return row["state"], row["rule"]


def test_what_waits_is_cancelled_and_one_answer_goes(texter: Make) -> None:
    one = texter()
    sends = [queue(one, "conversation"), queue(one, "conversation", "reserved")]
    one.says("stop please", 0)
    assert {state(one, send) for send in sends} == {("cancelled", "opted_out")}
    one.says("STOP", 1)
    one.says("stop now", 2)
    (answer,) = one.answers()
    assert answer.startswith(OUT)


def test_what_has_been_started_is_not_called_back(texter: Make) -> None:
    one = texter()
    send = queue(one, "conversation", "reserved")
    one.db.execute(
        "update outbound set state = 'dispatching', call_started_at = %s where id = %s",
        (at(-1), send),
    )
    one.says("STOP", 0)
    assert state(one, send)[0] == "dispatching"


@pytest.mark.parametrize("word", ["STOP", "stopall", " Unsubscribe ", "CANCEL", "end", "quit"])
def test_the_vendors_own_words_are_left_to_the_vendor(texter: Make, word: str) -> None:
    one = texter()
    assert one.says(word, 0) == "opt_out"
    assert one.says("START", 1) == "opt_in"
    assert one.answers() == []
    one.db.execute(
        "insert into settings (location_id, key, value) values (%s, 'openphone_confirms_stop',"
        " 'false')",
        (one.place.id,),
    )
    one.says(word, 2)
    one.says("START", 3)
    assert len(one.answers()) == 2


@pytest.mark.parametrize(
    ("late", "quiet"), [(61, False), (0, True)], ids=["an hour late", "history"]
)
def test_an_old_stop_counts_and_is_not_answered(texter: Make, late: int, quiet: bool) -> None:
    one = texter()
    one.take(one.put("stop please", 0), late, quiet=quiet)
    assert one.out() == [(0, None, "keyword", "STOP")]
    assert one.answers() == []


def test_a_start_of_who_never_stopped_is_nothing(texter: Make) -> None:
    one = texter()
    assert one.says("opt in", 0) == "opt_in"
    assert one.says("YES", 1) == "none"
    assert (one.out(), one.history(), one.answers()) == ([], [], [])


@pytest.mark.parametrize("method", ["manual", "import", "carrier"])
def test_a_start_restores_only_what_a_keyword_took(texter: Make, method: str) -> None:
    one = texter()
    one.db.execute(
        "insert into opt_outs (location_id, phone, method, opted_out_at) values (%s, %s, %s, %s)",
        (one.place.id, one.phone, method, at(-9)),
    )
    one.says("stop please", 0)
    one.says("opt in", 1)
    assert one.out() == [(-9, None, method, None)]
    assert one.answers() == []
    assert [event for event, *_ in one.history()] == ["opted_out", "opted_out"]


def test_help_is_answered_once_a_day_and_also_to_who_is_out(texter: Make) -> None:
    one = texter()
    one.says("STOP", 0)
    for minute in (1, 2, 24 * 60 - 1):
        assert one.says("HELP", minute) == "help"
    (answer,) = one.answers()
    (ours,) = one.rows("select e164 from phone_numbers where id = %s", one.number)
    assert answer.startswith("Example Foundations") and ours["e164"] in answer and "STOP" in answer
    one.says("info", 24 * 60 + 2)
    assert len(one.answers()) == 2


def test_a_stop_in_a_group_is_its_senders(texter: Make) -> None:
    one = texter()
    other = texter(of=one)
    one.says("stop texting me", 0, others=(other.phone,))
    assert one.out() and not other.out()
    assert one.answers() and not other.answers()


def test_out_at_one_location_is_out_at_all(texter: Make) -> None:
    one, elsewhere = texter(), texter()
    elsewhere.phone = one.phone
    one.says("STOP", 0)
    send = queue(elsewhere, "conversation")
    elsewhere.says("START", 1)
    assert elsewhere.out() == [(0, 1, "keyword", "STOP")]
    assert state(elsewhere, send)[0] == "queued"


def test_doubt_holds_until_a_person_decides(texter: Make) -> None:
    one = texter()
    assert one.says("cancel my 3pm", 5) == "hold"
    assert one.says("Stopp", 6) == "hold"
    one.says("see you tomorrow", 7)
    (hold,) = one.holds()
    assert (hold["word"], hold["opened_at"], hold["resolved_at"]) == ("CANCEL", at(5), None)
    assert one.out() == []
    (todo,) = one.rows("select * from todos where dedupe_key = %s", f"hold:{one.phone}")
    assert (todo["priority"], todo["due_at"]) == (1, at(5 + 24 * 60))
    told = one.rows("select * from notifications where location_id = %s", one.place.id)
    assert len(told) == 4  # two texts, an owner and an admin


def test_old_doubts_make_one_todo_and_no_noise(texter: Make) -> None:
    one = texter()
    other = texter(of=one)
    for each in (one, other):
        each.take(each.put("cancel my 3pm", 0), 500, quiet=True)
        assert len(each.holds()) == 1
    todos = one.rows("select * from todos where location_id = %s", one.place.id)
    assert [todo["dedupe_key"] for todo in todos] == ["holds:old"]
    assert one.rows("select 1 from notifications where location_id = %s", one.place.id) == []


def test_stops_at_once_make_one_row_and_one_answer(texter: Make, stack: Stack) -> None:
    """As six jobs would: each in its own connection and transaction."""
    one = texter()
    messages = [one.put("stop please", nth % 3, name=f"{nth}") for nth in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda message: _take(stack.env["DATABASE_URL"], message), messages))
    assert one.out() == [(0, None, "keyword", "STOP")]
    assert len(one.answers()) == 1
    assert len(one.history()) == 6


def test_stop_and_start_at_once_end_by_their_own_time(texter: Make, stack: Stack) -> None:
    one = texter()
    messages = [one.put(word, nth) for nth, word in enumerate(("STOP", "START", "quit"))]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda message: _take(stack.env["DATABASE_URL"], message), messages))
    assert one.out() == [(0, 1, "keyword", "STOP"), (2, None, "keyword", "QUIT")]


def _take(url: str, message: str) -> Any:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select private.take_keyword(%s, false, %s)", (message, at(3))
        ).fetchone()
