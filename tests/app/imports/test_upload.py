from __future__ import annotations

import hashlib
import io

import pytest

from app.errors import AppError
from app.imports import upload


def refusal(content: bytes) -> AppError:
    with pytest.raises(AppError) as refused:
        upload.inspect(io.BytesIO(content))
    assert refused.value.errors[0].field == "file"
    assert refused.value.status == 422
    return refused.value


def test_a_file_is_measured_in_pieces_and_left_at_its_start() -> None:
    content = "APN,Owner\r\n1,Núñez\r\n".encode() * 40_000
    file = io.BytesIO(content)
    digest = upload.inspect(file)
    assert digest == upload.Digest(len(content), hashlib.sha256(content).hexdigest())
    assert file.tell() == 0
    assert b"".join(upload.chunks(file)) == content
    assert file.tell() == 0


def test_a_letter_cut_by_a_piece_is_still_one_letter() -> None:
    content = b"a" * (upload.CHUNK_BYTES - 1) + "ñ".encode() + "\u201d".encode()
    assert upload.inspect(io.BytesIO(content)).size_bytes == len(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1"])
def test_text_as_spreadsheets_write_it_passes(encoding: str) -> None:
    upload.inspect(io.BytesIO("Owner\nNúñez\n".encode(encoding)))


def test_an_empty_file_is_refused() -> None:
    assert refusal(b"").code == "empty_file"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel workbook"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x89PNG\r\n", "picture"),
        (b"a,b\n1,\x00\n", "no text"),
        ("a,b\n".encode("utf-16"), "no text"),
        (b"a,b\n\xff\x81\n", "letters cannot be read"),
        (b"a,b\n\x81" + b"x" * upload.CHUNK_BYTES + b"\xff", "letters cannot be read"),
        ("Álvaro, cut off: €".encode()[:-1], "letters cannot be read"),
    ],
)
def test_what_is_no_csv_is_refused_with_what_to_do(content: bytes, words: str) -> None:
    error = refusal(content)
    assert error.code == "not_csv"
    assert words in error.detail
    assert "CSV" in error.detail


@pytest.mark.parametrize(
    ("given", "shown", "stored"),
    [
        ("list.csv", "list.csv", "list.csv"),
        ("C:\\Users\\ana\\list.csv", "list.csv", "list.csv"),
        ("../../etc/passwd", "passwd", "passwd"),
        ("Straße & Söhne 1.csv", "Straße & Söhne 1.csv", "Stra_e_S_hne_1.csv"),
        ("a\x00b\n.csv", "ab.csv", "ab.csv"),
        ("..", "..", "import.csv"),
        ("", "import.csv", "import.csv"),
        ("/", "import.csv", "import.csv"),
        ("x" * 300 + ".csv", "x" * 255, "x" * 100),
    ],
)
def test_names_are_kept_to_show_and_made_plain_to_store(
    given: str, shown: str, stored: str
) -> None:
    assert upload.base_name(given) == shown
    assert upload.object_name(given) == stored
