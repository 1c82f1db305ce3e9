"""What `make check` holds two schemas to."""

from __future__ import annotations

import pytest

from devstack.check_migrations import compare, grants_in_order


def test_the_order_of_grants_means_nothing() -> None:
    one = ["GRANT SELECT ON t TO a;", "GRANT SELECT ON t TO b;", "", "CREATE TABLE t ();"]
    other = [one[1], one[0], *one[2:]]
    assert grants_in_order(one) == grants_in_order(other)


def test_a_missing_grant_is_shown_with_when_it_was_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not compare(["GRANT SELECT ON t TO a;"], [], "after the way back")
    said = capsys.readouterr().out
    assert "after the way back" in said and "-GRANT SELECT ON t TO a;" in said
