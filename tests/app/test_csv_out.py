from __future__ import annotations

import pytest

from app import csv_out


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "-x"],
)
def test_what_could_run_as_a_formula_is_defused(text: str) -> None:
    assert csv_out.safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "Ana Ruiz", "-12.50", "+15035550142", "-$12,000.00", "12%", "a=b", "x-y", "'=1"]
)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert csv_out.safe_cell(text) == text


def test_a_line_quotes_what_needs_it_and_ends_in_crlf() -> None:
    assert csv_out.line([2, None, "a,b", 'say "x"', "two\nlines", "=1"]) == (
        '2,,"a,b","say ""x""","two\nlines",\'=1\r\n'
    )
