"""Which texts are one e-mail address."""

from __future__ import annotations

import time

import pytest

from app.contacts import normalize_email


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("tess@example.com", "tess@example.com"),
        (" Tess.Atwell@Example.COM ", "tess.atwell@example.com"),
        ("tess+list@mail.example.co.uk", "tess+list@mail.example.co.uk"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("tess_1@example-town.com", "tess_1@example-town.com"),
    ],
)
def test_an_address_is_stored_in_lower_case(raw: str, stored: str) -> None:
    assert normalize_email(raw) == stored


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "n/a",
        "tess",
        "tess@",
        "@example.com",
        "tess@example",
        "tess@@example.com",
        "tess@example@com",
        "tess @example.com",
        "tess@exam ple.com",
        "tess@example.com, beth@example.com",
        "tess@example.com;beth@example.com",
        "Tess <tess@example.com>",
        "tess@.com",
        "tess@example.",
        "tess@example..com",
        "tess@example.com.",
        f"{'t' * 310}@example.com",
    ],
)
def test_what_is_no_one_address_is_refused(raw: str) -> None:
    assert normalize_email(raw) is None


@pytest.mark.parametrize("filling", ["a", "a.", "@", " ", "a@"])
def test_a_cell_of_megabytes_is_looked_at_once(filling: str) -> None:
    started = time.process_time()
    assert normalize_email(filling * 1_000_000) is None
    assert time.process_time() - started < 1
