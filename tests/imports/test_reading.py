"""What a whole file is, and what is said of one that cannot be imported."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from app.imports import reading
from app.imports.csv_rows import UnreadableFile
from app.imports.reading import FileFacts, data_rows, read_facts
from tests.imports.sheets import HEADER, HOUSE_COLUMNS, SAMPLE, house, sheet, street


def opened(
    content: bytes, size: int = 1 << 16
) -> Callable[[], AbstractContextManager[Iterator[bytes]]]:
    @contextmanager
    def open_file() -> Iterator[Iterator[bytes]]:
        yield (content[at : at + size] for at in range(0, len(content), size))

    return open_file


def facts_of(content: bytes, tier: str | None = None, size: int = 1 << 16) -> FileFacts:
    return read_facts(opened(content, size), tier, lambda: None)


def refusal(content: bytes, tier: str | None = None) -> str:
    with pytest.raises(UnreadableFile) as refused:
        facts_of(content, tier)
    said = str(refused.value)
    assert "\x00" not in said, "Postgres could not store it"
    return said


def test_the_sample_is_2180_rows_and_a_notice() -> None:
    facts = facts_of(SAMPLE.read_bytes())
    assert (facts.total_rows, facts.ignored_rows, facts.tier) == (2_180, 1, "campaign")
    assert (facts.header, facts.warnings) == (HEADER, [])
    assert len(list(data_rows(iter([SAMPLE.read_bytes()]), facts))) == 2_180


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 16])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_small_pieces_tell_the_same(encoding: str, size: int) -> None:
    content = sheet(house(name="ZOË KURTE")).replace(b",", b";").decode().encode(encoding)
    facts = facts_of(content, size=size)
    assert (facts.dialect.delimiter, facts.total_rows) == (";", 1)
    (row,) = data_rows(opened(content, size)().__enter__(), facts)
    assert "ZOË KURTE" in row.cells and row.row_no == 2


def test_the_tier_is_seen_in_the_columns() -> None:
    assert facts_of(sheet(house())).tier == "campaign"
    assert facts_of(sheet(house(), header=HOUSE_COLUMNS)).tier == "database"
    assert facts_of(sheet(house(), header=[*HOUSE_COLUMNS, "secondary  NAME"])).tier == "campaign"
    assert facts_of(sheet(house()), "database").tier == "database"


def test_a_campaign_without_people_says_what_to_do() -> None:
    said = refusal(sheet(house(), header=HOUSE_COLUMNS), "campaign")
    assert "no contact columns" in said and "tier=database" in said


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", codecs.BOM_UTF8, b",,,\n", b"  \n"])
def test_an_empty_file_says_what_to_do(content: bytes) -> None:
    assert "empty" in refusal(content) and "Export" in refusal(content)


@pytest.mark.parametrize("ending", [b"", b"\r\n\r\n", b",,,\r\n", b"For your own use only.\r\n"])
def test_a_header_without_rows_says_so(ending: bytes) -> None:
    assert "no rows" in refusal(sheet() + ending)


@pytest.mark.parametrize("missing", ["Type", "Address", "City", "ZIP"])
def test_a_missing_column_is_named(missing: str) -> None:
    header = [name for name in HEADER if name != missing]
    assert f"lacks the columns {missing}." in refusal(sheet(house(), header=header))


def test_another_format_is_shown_its_own_columns() -> None:
    said = refusal(b"id,phone,first name\n1,2,3\n")
    assert "not a PropertyRadar export" in said and "id, phone, first name" in said


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02\x03",
        b"T\x00y\x00p\x00e\x00,\x00",
        codecs.BOM_UTF16_LE + b"T\x00y\x00p\x00e",
        codecs.BOM_UTF16_BE + b"\xd8\x00\x00,",
        b"\x81\x8d\x8f",
        sheet(house()) + b"\x81\xff\n",
        b"%PDF-1.7 \xe2\xe3\xcf\xd3",
        b"PK\x03\x04\x14\x00\x06\x00",
    ],
)
def test_what_is_no_text_is_refused_in_words_that_can_be_stored(content: bytes) -> None:
    assert "CSV" in refusal(content)


def test_windows_letters_are_read_with_a_warning() -> None:
    content = sheet(*street(3), house(name="ZO\u00cb KURTE")).decode().encode("cp1252")
    facts = facts_of(content)
    assert [warning["code"] for warning in facts.warnings] == ["not_utf8"]
    assert "ZOË KURTE" in list(data_rows(iter([content]), facts))[-1].cells


def test_nul_in_a_header_is_left_out() -> None:
    assert facts_of(sheet(house()).replace(b"Subdivision", b"Sub\x00division")).header == HEADER


def test_the_lease_is_renewed_while_a_long_file_is_read() -> None:
    rows = b"SFR,1 Oak St,Westcliff,02721\n" * (2 * reading.ROWS_A_BREATH + 10)
    breaths: list[int] = []
    read_facts(opened(b"Type,Address,City,ZIP\n" + rows), None, lambda: breaths.append(1))
    assert len(breaths) == 2
