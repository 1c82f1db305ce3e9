"""One cell → one value, or a sentence saying what was wrong with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from app.imports import cells
from app.imports.cells import BadCell

Reader = Callable[[str], Any]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("707615", 707615),
        (" 707615 ", 707615),
        ("$707,615", 707615),
        ("$1,234.56", 1234.56),
        ("1234.5", 1234.5),
        (".5", 0.5),
        ("0", 0),
        ("-360000", -360000),
        ("-$360,000", -360000),
        ("$-360,000", -360000),
        ("($360,000)", -360000),
        ("(360000)", -360000),
        ("−360000", -360000),
        ("$ 1,234", 1234),
        ("1.5E+05", 150000),
        ("12.345", 12.34),
        ("12,345,678", 12345678),
    ],
)
def test_money_is_read_as_people_write_it(raw: str, value: float) -> None:
    assert cells.money(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        "N/A",
        "$",
        "-",
        "1.234,56",
        "1,23",
        ",5",
        "12 34",
        "1-2",
        "--5",
        "1_000",
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "0x10",
        "1e99",
        "1e999999999",
        "10000000000",
        "(5",
        "5)",
        "$5$",
        "50%",
        "five",
    ],
)
def test_what_is_no_amount_is_refused_rather_than_guessed(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.money(raw)


@pytest.mark.parametrize(
    ("raw", "value"), [("63", 63), ("63%", 63), ("63 %", 63), ("-51", -51), ("(51%)", -51)]
)
def test_percentages_may_carry_their_sign(raw: str, value: float) -> None:
    assert cells.percent(raw) == value


@pytest.mark.parametrize("raw", ["10000", "$5", "%", ""])
def test_bad_percentages_are_refused(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.percent(raw)


@pytest.mark.parametrize(
    ("raw", "value"), [("1513", 1513), ("1,513", 1513), ("1513.0", 1513), (" 7 ", 7)]
)
def test_whole_numbers(raw: str, value: int) -> None:
    found = cells.whole(0, 10_000)(raw)
    assert found == value and isinstance(found, int)


@pytest.mark.parametrize("raw", ["1513.5", "-1", "10001", "1e-5", "99999999999999999999", "", "?"])
def test_what_is_not_whole_or_out_of_bounds_is_refused(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.whole(0, 10_000)(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [("2", 2), ("2.5", 2.5), ("2½", 2.5), ("2 1/2", 2.5), ("½", 0.5), ("1.75", 1.8), ("0", 0)],
)
def test_baths_keep_their_halves(raw: str, value: float) -> None:
    """v1 cut 2.5 to 2."""
    assert cells.baths(raw) == value


@pytest.mark.parametrize("raw", ["-1", "100", "two", "2/1", "1/2/3", "2.5.1"])
def test_bad_baths_are_refused(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.baths(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2002-12-03", "2002-12-03"),
        ("2002-1-3", "2002-01-03"),
        (" 2002-12-03 ", "2002-12-03"),
        ("2002-12-03T00:00:00Z", "2002-12-03"),
        ("2002-12-03 00:00", "2002-12-03"),
        ("12/03/2002", "2002-12-03"),
        ("1/3/2002", "2002-01-03"),
        ("12-03-2002", "2002-12-03"),
        ("12/3/2002 0:00", "2002-12-03"),
        ("2/29/2024", "2024-02-29"),
        ("1955-06-30", "1955-06-30"),
    ],
)
def test_days_come_in_iso_or_american_order(raw: str, value: str) -> None:
    assert cells.day(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        "2/29/2023",
        "2002-13-01",
        "31/12/2002",
        "0000-01-01",
        "2002-00-10",
        "12/03/02",
        "2002",
        "12/2002",
        "Dec 3, 2002",
        "20021203",
        "37593",
        "2002-12-03abc",
        "",
        "n/a",
    ],
)
def test_what_is_no_day_is_refused(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.day(raw)


@pytest.mark.parametrize("raw", ["1", "Y", "yes", "YES ", "t", "True", "x", "X"])
def test_words_for_yes(raw: str) -> None:
    assert cells.yes_no(raw) is True


@pytest.mark.parametrize("raw", ["0", "N", "no", " No", "f", "FALSE"])
def test_words_for_no(raw: str) -> None:
    assert cells.yes_no(raw) is False


@pytest.mark.parametrize("raw", ["2", "-1", "maybe", "yes!", "", "oui", "1.0"])
def test_other_words_are_neither(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.yes_no(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("02721", ("02721", None)),
        (" 02721 ", ("02721", None)),
        ("02721-1234", ("02721", "1234")),
        ("02721 1234", ("02721", "1234")),
        ("027211234", ("02721", "1234")),
        ("2721", ("02721", None)),
        ("2721-1234", ("02721", "1234")),
        ("601", ("00601", None)),
    ],
)
def test_zip_codes_get_their_lost_zero_back(raw: str, value: tuple[str, str | None]) -> None:
    assert cells.zip_code(raw) == value


@pytest.mark.parametrize(
    "raw",
    # the last is five Arabic digits
    [
        "0",
        "27",
        "272-12",
        "027215",
        "02721-12",
        "K1A 0B6",
        "2721.0",
        "02721-12345",
        "",
        "O2721",
        "٠٢٧٢١",
    ],
)
def test_what_is_no_zip_code_is_refused(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.zip_code(raw)


@pytest.mark.parametrize(("raw", "value"), [("MA", "MA"), (" ma ", "MA")])
def test_states_are_two_letters(raw: str, value: str) -> None:
    assert cells.state(raw) == value


@pytest.mark.parametrize("raw", ["M", "MAS", "Massachusetts", "M1", "", "ß", "ÅÄ"])
def test_other_states_are_refused(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.state(raw)


@pytest.mark.parametrize("raw", ["MILL-773-9080-02569", " 12.34 ", "M:001 L:0042"])
def test_parcel_numbers_are_kept_as_they_are(raw: str) -> None:
    assert cells.apn(raw) == raw.strip()


@pytest.mark.parametrize("raw", ["0", "000-000", "N/A", "-", "none", "", "\x00"])
def test_text_that_numbers_no_parcel_is_refused(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.apn(raw)


def test_text_is_trimmed_and_loses_nul_which_postgres_cannot_store() -> None:
    assert cells.text("\ufeff A\x00B \t\r\n".lstrip("\ufeff")) == "AB"
    assert cells.text("\x00 \x00") == ""


def test_text_in_a_short_column_has_an_end() -> None:
    """What is looked up by index must fit into one; a longer cell is no town and no street."""
    assert cells.short_text("WESTCLIFF") == "WESTCLIFF"
    for read in (cells.short_text, cells.apn):
        with pytest.raises(BadCell, match="characters"):
            read("1" * 5_000)


READERS: list[Reader] = [
    cells.money,
    cells.percent,
    cells.whole(0, 10),
    cells.baths,
    cells.day,
    cells.yes_no,
    cells.zip_code,
    cells.state,
    cells.apn,
    cells.short_text,
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("filling", ["9", " ", "1 ", "1,", "(", "é", "1-", "½", "A"])
def test_a_cell_of_megabytes_is_refused_in_no_time(read: Reader, filling: str) -> None:
    started = time.process_time()
    with pytest.raises(BadCell):
        read("1" + filling * 1_000_000 + "!")
    assert time.process_time() - started < 1


@pytest.mark.parametrize("read", READERS)
def test_a_refusal_is_the_rest_of_a_sentence(read: Reader) -> None:
    """It is shown after the cell's text: 'five' is not a number."""
    with pytest.raises(BadCell, match=r"^(is|has) [a-zA-Z]"):
        read("?" * 3_000)
