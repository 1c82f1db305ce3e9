"""Bytes in any pieces → the same numbered records."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

import pytest

from app.imports import propertyradar
from app.imports.csv_rows import (
    Dialect,
    Record,
    UnreadableFile,
    read_records,
    sniff,
    without_notice,
)
from tests.imports.sheets import SAMPLE

UTF8 = Dialect("utf-8-sig", ",")
TRICKY = (
    'Type,Address,Näme\r\n"a ""b"", c",1 Oak St,Zoë 🏠\r\n\r\n"line\r\nbreak",é,\n x ,"","\n"\r'
    '"trailing ""quote""",“curly”,end'
)
TRICKY_ROWS = [
    (1, ["Type", "Address", "Näme"]),
    (2, ['a "b", c', "1 Oak St", "Zoë 🏠"]),
    (4, ["line\r\nbreak", "é", ""]),
    (5, [" x ", "", "\n"]),
    (6, ['trailing "quote"', "“curly”", "end"]),
]


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def read(
    content: bytes, dialect: Dialect = UTF8, size: int = 1 << 16
) -> list[tuple[int, list[str]]]:
    return [(r.row_no, r.cells) for r in read_records(pieces(content, size), dialect)]


def cells(content: bytes) -> list[list[str]]:
    """As the job reads it: sniffed, then read."""
    return [row for _, row in read(content, sniff(content[: 1 << 16]))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_it_does_not_matter_where_the_network_cuts(encoding: str) -> None:
    """Every size of piece, so every cut: inside a letter, a line end, a doubled quote."""
    text = TRICKY.replace(" 🏠", "") if encoding == "cp1252" else TRICKY
    content = text.encode(encoding)
    whole = read(content, Dialect("utf-8-sig" if "8" in encoding[:5] else encoding, ","))
    assert [row_no for row_no, _ in whole] == [1, 2, 4, 5, 6]
    dialect = Dialect("utf-8-sig" if "8" in encoding[:5] else encoding, ",")
    for size in range(1, len(content) + 1):
        assert read(content, dialect, size) == whole


def test_records_are_what_a_spreadsheet_shows() -> None:
    assert read(TRICKY.encode()) == TRICKY_ROWS


def test_empty_pieces_are_no_end() -> None:
    content = TRICKY.encode()
    scattered = [b"", content[:10], b"", b"", content[10:], b""]
    assert [(r.row_no, r.cells) for r in read_records(scattered, UTF8)] == TRICKY_ROWS


@pytest.mark.parametrize("size", [4_095, 65_535, 65_536, 65_537])
def test_the_sample_reads_as_pythons_own_reader_reads_it(size: int) -> None:
    content = SAMPLE.read_bytes()
    expected = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert [row for _, row in read(content, size=size)] == expected
    assert len(expected) == 2_182


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_every_line_end_and_mark_is_understood(end: str, mark: bytes) -> None:
    content = mark + f"Type,City{end}SFR,Westcliff{end}{end}MFR,Fairpond".encode()
    assert cells(content) == [["Type", "City"], ["SFR", "Westcliff"], ["MFR", "Fairpond"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_the_delimiter_is_found_in_the_header(delimiter: str, end: str) -> None:
    """… and only there: a file of carriage returns has no other first line."""
    rows = [["Type", "Address", "City"]] + [["SFR", "1 Oak St, a;b", "x,y,z;,;\tu"]] * 50
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    assert cells(text.getvalue().encode()) == rows


def test_delimiters_inside_quoted_headers_do_not_count() -> None:
    assert cells(b'Type;"Address, street, no";City\nSFR;1;2\n')[1] == ["SFR", "1", "2"]


@pytest.mark.parametrize("byte_order", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_known_by_its_mark(byte_order: str) -> None:
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(byte_order, b"")
    content = mark + "Type\tCity\r\nSFR\tZoë\r\n".encode(byte_order)
    assert cells(content) == [["Type", "City"], ["SFR", "Zoë"]]


def test_a_cell_may_be_of_any_length() -> None:
    cell = 'a,"\n' * 1_250_000
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["Type", "Notes"], ["SFR", cell], ["MFR", ""]])
    assert cells(text.getvalue().encode()) == [["Type", "Notes"], ["SFR", cell], ["MFR", ""]]


def test_nul_does_not_end_a_file() -> None:
    assert cells(b"Type,City\nS\x00FR,a\nMFR,b\n")[2] == ["MFR", "b"]


@pytest.mark.parametrize("blank", ["", ",,", " , ,", '""', "\t", "\u00a0,"])
def test_blank_lines_are_no_records_but_are_counted(blank: str) -> None:
    content = f"\n{blank}\nType,City\n{blank}\nSFR,a\n{blank}\n".encode()
    assert read(content) == [(3, ["Type", "City"]), (5, ["SFR", "a"])]


@pytest.mark.parametrize(
    ("content", "row_no"),
    [
        (b'Type,City\nSFR,"Westcliff\nMFR,a\n', 2),
        (b'Type,City\nSFR,a\nMFR,"', 3),
        (b'Type,City\n"SFR,a\n\n\nMFR,"b"\n', 2),
        (b'Type,City\nSFR,"a"b\n', 2),
        (b'"Type,City\nSFR,a\n', 1),
    ],
)
def test_an_unclosed_quote_is_refused_naming_its_row(content: bytes, row_no: int) -> None:
    """Read leniently it would swallow the rows after it, and their people."""
    for size in (1, 7, len(content)):
        with pytest.raises(UnreadableFile, match=rf"^Row {row_no} .*quotation mark.*upload"):
            read(content, size=size)


def test_rows_before_a_mistake_are_given_out_first() -> None:
    records = read_records(iter([b'Type,City\nSFR,a\nMFR,"']), UTF8)
    assert next(records) == Record(1, ["Type", "City"])
    assert next(records) == Record(2, ["SFR", "a"])
    with pytest.raises(UnreadableFile):
        next(records)


def test_bytes_that_are_not_utf8_say_so() -> None:
    with pytest.raises(UnicodeDecodeError):
        read("Zoë".encode("cp1252"))


HEADER = ["Type", "Address", "City"]
NOTICE = "Data licensed for your own use only, see the terms."


def noticed(*rows: list[str], header: list[str] = HEADER) -> list[list[str] | None]:
    records = (Record(n, row) for n, row in enumerate(rows, 2))
    kept = without_notice(records, len(header), propertyradar.shortest_notice(header))
    return [record and record.cells for record in kept]


@pytest.mark.parametrize("cells", [[NOTICE], [NOTICE, "", ""], [f" {NOTICE} ", " "]])
def test_a_sentence_alone_at_the_end_is_a_notice(cells: list[str]) -> None:
    house = ["SFR", "1 Oak St", "Westcliff"]
    assert noticed(house, cells) == [house, None]
    assert noticed(house, cells, cells) == [house, None, None]


def test_a_sentence_alone_in_the_middle_is_a_row() -> None:
    house = ["SFR", "1 Oak St", "Westcliff"]
    assert noticed(house, [NOTICE], house, [NOTICE]) == [house, [NOTICE], house, None]


@pytest.mark.parametrize("cells", [["SFR"], ["SFR", "", ""], ["", "1 Oak St"], ["A b", "1 Oak St"]])
def test_a_row_with_little_in_it_is_still_a_row(cells: list[str]) -> None:
    assert noticed(cells) == [cells]


@pytest.mark.parametrize("first", ["Address", " address ", "APN"])
def test_a_house_that_has_only_its_address_is_no_notice(first: str) -> None:
    """Where the first column says which house it is, one filled cell is a whole house."""
    header = [first, "Type", "City"]
    assert noticed(["1 OAK ST", "", ""], header=header) == [["1 OAK ST", "", ""]]
    assert noticed(["1 OAK ST"], header=header) == [["1 OAK ST"]]
    assert noticed([NOTICE], header=header) == [None]


def test_a_file_of_one_column_has_no_notices() -> None:
    assert noticed([NOTICE], header=["Type"]) == [[NOTICE]]
