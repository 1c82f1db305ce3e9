"""What the pgTAP runner counts as passed and as failed."""

from __future__ import annotations

import pytest

from devstack.pgtap import read_tap


def test_every_test_of_the_plan_passes() -> None:
    outcome = read_tap("1..2\nok 1 - one\nok 2 - two\n")
    assert (outcome.passed, outcome.problems) == (2, [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1..1\nnot ok 1 - one\n# Failed test 1\n", "not ok 1 - one\n# Failed test 1"),
        ("1..2\nok 1 - one\n", "planned 2 tests but ran 1"),
        ("1..1\nok 1 - one\nok 2 - two\n", "planned 1 tests but ran 2"),
        ("ok 1 - one\n", "0 plans instead of one"),
        ("", "0 plans instead of one"),
        ("1..1\nok 1 - later # SKIP no time\n", "ok 1 - later # SKIP no time"),
    ],
)
def test_everything_else_is_a_problem(text: str, problem: str) -> None:
    assert problem in read_tap(text).problems
