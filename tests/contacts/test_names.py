"""Names as lists spell them → names to greet by (research digest §3.4)."""

from __future__ import annotations

import pytest

from app.contacts import PersonName, parse_name


def named(raw: str) -> tuple[str | None, str | None]:
    name = parse_name(raw)
    assert name is not None and not name.is_entity, raw
    return name.first_name, name.last_name


@pytest.mark.parametrize(
    ("raw", "first", "last"),
    [
        ("WADE KURTE", "Wade", "Kurte"),
        ("wade kurte", "Wade", "Kurte"),
        ("  WADE \t KURTE ", "Wade", "Kurte"),
        ("KURTE,WADE", "Wade", "Kurte"),
        ("KURTE, WADE", "Wade", "Kurte"),
        ("KURTE,WADE M", "Wade", "Kurte"),
        ("WADE M KURTE", "Wade", "Kurte"),
        ("WADE MARTIN KURTE", "Wade", "Kurte"),
        ("ANNE-MARIE KURTE", "Anne-Marie", "Kurte"),
        ("ANNE KURTE-WEBSTER", "Anne", "Kurte-Webster"),
        ("KURTE WEBSTER,ANNE", "Anne", "Kurte Webster"),
    ],
)
def test_first_and_last_name_are_told_apart(raw: str, first: str, last: str) -> None:
    assert named(raw) == (first, last)


@pytest.mark.parametrize("raw", ["MACHADO", "MACK", "MACEY", "MACIAS", "MACRI", "MACOMBER", "MACE"])
def test_ordinary_names_that_begin_with_mac_get_one_capital(raw: str) -> None:
    assert named(f"ROSA {raw}") == ("Rosa", raw.capitalize())


@pytest.mark.parametrize(
    ("raw", "last"),
    [
        ("MACDONALD", "MacDonald"),
        ("MACLEOD", "MacLeod"),
        ("MCDONALD", "McDonald"),
        ("MCGEE", "McGee"),
        ("O'BRIEN", "O'Brien"),
        ("O’BRIEN", "O’Brien"),
        ("O'MCGEE", "O'McGee"),
        ("D'ANGELO", "D'Angelo"),
        ("MCGEE-O'BRIEN", "McGee-O'Brien"),
        ("ODELL", "Odell"),
        ("DANGELO", "Dangelo"),
        ("MC", "Mc"),
        ("O'", "O'"),
    ],
)
def test_second_capitals_stand_where_they_belong(raw: str, last: str) -> None:
    assert named(f"ROSA {raw}") == ("Rosa", last)


@pytest.mark.parametrize("last", ["DeLuca", "VanDyke", "LaPierre", "MacHenry", "deSouza"])
def test_a_word_with_capitals_of_its_own_keeps_them(last: str) -> None:
    assert named(f"Rosa {last}") == ("Rosa", last)


@pytest.mark.parametrize(
    ("raw", "first", "last"),
    [
        ("WADE KURTE JR", "Wade", "Kurte Jr"),
        ("WADE KURTE JR.", "Wade", "Kurte Jr"),
        ("WADE KURTE SR", "Wade", "Kurte Sr"),
        ("WADE KURTE III", "Wade", "Kurte III"),
        ("WADE M KURTE IV", "Wade", "Kurte IV"),
        ("WADE KURTE, JR", "Wade", "Kurte Jr"),
        ("KURTE JR,WADE", "Wade", "Kurte Jr"),
        ("KURTE,WADE JR", "Wade", "Kurte Jr"),
        ("KURTE,WADE M,JR", "Wade", "Kurte Jr"),
        ("KURTE, WADE, III", "Wade", "Kurte III"),
        ("KURTE JR", None, "Kurte Jr"),
    ],
)
def test_a_suffix_stays_with_the_last_name(raw: str, first: str | None, last: str) -> None:
    assert named(raw) == (first, last)


@pytest.mark.parametrize(
    ("raw", "first", "last"),
    [
        ("ROSA DE SOUZA", "Rosa", "De Souza"),
        ("ROSA M DE LA CRUZ", "Rosa", "De La Cruz"),
        ("ROSA VAN DER BERG", "Rosa", "Van Der Berg"),
        ("ROSA ST PIERRE", "Rosa", "St Pierre"),
        ("VAN KURTE", "Van", "Kurte"),
        ("MAI LE", "Mai", "Le"),
    ],
)
def test_particles_belong_to_the_last_name_and_never_take_the_first(
    raw: str, first: str, last: str
) -> None:
    assert named(raw) == (first, last)


@pytest.mark.parametrize("raw", ["KURTE", "kurte", "KURTE,"])
def test_a_single_word_is_a_last_name(raw: str) -> None:
    assert named(raw) == (None, "Kurte")


@pytest.mark.parametrize(
    "raw",
    [
        "KURTE FAMILY TRUST",
        "WADE KURTE TR",
        "KURTE REALTY LLC",
        "Kurte Realty Llc",
        "KURTE L.L.C.",
        "TRUST,KURTE",
        "ESTATE OF WADE KURTE",
        "TOWN OF WESTCLIFF",
        "WADE & RITA KURTE",
        "KURTE,WADE & RITA",
        "12 OAK ST NOMINEE",
        "381 HILL CT",
        "KURTE 2019",
    ],
)
def test_trusts_companies_and_couples_have_no_name_to_greet_by(raw: str) -> None:
    assert parse_name(raw) == PersonName(raw, None, None, is_entity=True)


@pytest.mark.parametrize(
    ("raw", "first", "last"),
    [
        ("RENÉE TRẦN", "Renée", "Trần"),
        ("RENE\u0301E TRA\u0302\u0300N", "Renée", "Trần"),
        ("SOPHIE COÛTÉ", "Sophie", "Coûté"),
        ("INCÉ ÖZGÜR", "Incé", "Özgür"),
        ("JOSÉ NUÑEZ", "José", "Nuñez"),
        ("李 小龍", "李", "小龍"),
    ],
)
def test_letters_of_every_alphabet_are_letters(raw: str, first: str, last: str) -> None:
    """TRẦN is no TR(ustee) followed by an N."""
    assert named(raw) == (first, last)


@pytest.mark.parametrize("raw", ["", "   ", "-", "12345", "&", "?", "***", "508-555-0100", "\x00"])
def test_what_holds_no_letter_is_no_name(raw: str) -> None:
    assert parse_name(raw) is None


@pytest.mark.parametrize("raw", ["WADE KURTE", "Kurte,Wade", "KURTE TRUST", "O'BRIEN"])
def test_the_text_is_kept_as_it_came(raw: str) -> None:
    name = parse_name(f" {raw} ")
    assert name is not None and name.display_name == raw


@pytest.mark.parametrize("raw", [",", ",,", "WADE -", ",WADE", "- , -", "'", "O'", "D’", "M", "&A"])
def test_odd_punctuation_breaks_nothing(raw: str) -> None:
    name = parse_name(raw)
    assert name is None or name.display_name == raw
