"""STOP and START as they reach us: late, twice, in any order. Their own time decides the end."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

import pytest

from tests.messaging.words.conftest import Texter

Make = Callable[..., Texter]
Said = Sequence[tuple[str, int]]


def end(texter: Texter, said: Said, order: Sequence[int]) -> tuple[object, ...]:
    for nth in order:
        body, minute = said[nth]
        texter.says(body, minute, name=f"{nth:03}")
    holds = [(hold["word"], hold["opened_at"]) for hold in texter.holds()]
    return texter.out(), texter.history(), holds


STORIES: dict[str, Said] = {
    "start overtakes stop": (("STOP", 1), ("START", 2)),
    "twice out": (("STOP", 1), ("quit", 3), ("START", 4)),
    "out, in, out": (("STOP", 1), ("START", 2), ("cancel", 3)),
    "back twice": (("STOP", 1), ("START", 2), ("START", 3)),
    "start first": (("START", 1), ("STOP", 2), ("unstop", 3)),
    "one instant": (("STOP", 1), ("START", 1), ("end", 1)),
    "doubt between": (("cancel my 3pm", 1), ("STOP", 2), ("Stopp", 3), ("hello", 4)),
}


@pytest.mark.parametrize("said", STORIES.values(), ids=STORIES)
def test_every_order_ends_as_the_right_one(texter: Make, said: Said) -> None:
    first = texter()
    right = end(first, said, range(len(said)))
    orders = list(itertools.permutations(range(len(said))))
    for order in random.sample(orders, min(len(orders), 8)):
        assert end(texter(of=first), said, order) == right, order


def test_the_right_one_is_right(texter: Make) -> None:
    one = texter()
    end(one, STORIES["out, in, out"], (2, 0, 1))
    assert one.out() == [(1, 2, "keyword", "STOP"), (3, None, "keyword", "CANCEL")]
    assert one.history() == [
        ("opted_out", 1, "STOP"),
        ("revoked", 2, "START"),
        ("opted_out", 3, "CANCEL"),
    ]


def test_any_talk_in_any_order_ends_alike(texter: Make) -> None:
    draw = random.Random(20261121)
    first = texter()
    for _ in range(4):
        said = [
            (draw.choice(("STOP", "START", "end", "hi", "unstop", "Stopp")), draw.randint(1, 9))
            for _ in range(8)
        ]
        order = draw.sample(range(8), 8)
        assert end(texter(of=first), said, order) == end(texter(of=first), said, range(8)), said


def test_told_twice_is_told_once(texter: Make) -> None:
    one = texter()
    message = one.put("STOP please", 0)
    assert [one.take(message, 0), one.take(message, 1)] == ["opt_out", "opt_out"]
    assert len(one.out()) == len(one.history()) == len(one.answers()) == 1


def test_a_stop_unknown_to_who_lifted_another_stands(texter: Make) -> None:
    """The owner lifted what he knew of; a STOP said before and heard after him is new to him."""
    one = texter()
    one.says("STOP", 1)
    late = one.put("quit", 2)
    one.db.execute(
        "select private.lift_opt_out(o, 'called us') from opt_outs o where phone = %s", (one.phone,)
    )
    assert [row[1] is None for row in one.out()] == [False]
    one.take(late, 3)
    assert [(row[1] is None, row[3]) for row in one.out()] == [(False, "STOP"), (True, "QUIT")]
