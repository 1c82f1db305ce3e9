"""How rows find the people that are there, and what they may change of them (digest §4.2)."""

from __future__ import annotations

import pytest

from tests.imports.desk import Desk, Found
from tests.imports.sheets import e164, house, numbered, sheet, street

# Numbers that no house of `street` has.
ONE, TWO = numbered(9_001), numbered(9_002)


def put(desk: Desk, *rows: dict[str, str], **form: str) -> Found:
    return desk.done(sheet(*rows), **form)


def counts(row: Found, things: str = "contacts") -> tuple[int, int, int]:
    """(created, updated, unchanged)"""
    return (row[f"{things}_created"], row[f"{things}_updated"], row[f"{things}_unchanged"])


def shown(desk: Desk, phone: str = ONE) -> tuple[str | None, ...]:
    person = desk.person(e164(phone))
    return (person["first_name"], person["last_name"], person["display_name"])


def test_a_number_at_two_houses_is_one_person_with_two_links(desk: Desk) -> None:
    row = put(
        desk,
        house(name="ANNA KURTE", phone=ONE),
        house(apn="A-2", address="2 OAK ST", name="ANNA KURTE", phone=ONE),
    )
    assert (counts(row), row["links_created"]) == ((1, 0, 0), 2)
    assert (row["list_members_created"], desk.count("property_contacts")) == (1, 2)


@pytest.mark.parametrize("where", ["one row", "one batch", "two files"])
def test_a_second_name_on_a_number_becomes_an_alias(desk: Desk, where: str) -> None:
    first = house(name="ANNA KURTE", phone=ONE)
    if where == "one row":
        put(desk, house(name="ANNA KURTE", phone=ONE, name2="BERT KURTE", phone2=ONE))
    elif where == "one batch":
        put(desk, first, house(apn="A-2", address="2 OAK ST", name="BERT KURTE", phone=ONE))
    else:
        put(desk, first)
        assert counts(put(desk, house(name="BERT KURTE", phone=ONE))) == (0, 1, 0)
    assert shown(desk) == ("Anna", "Kurte", "ANNA KURTE")
    assert desk.person(e164(ONE))["aliases"] == ["BERT KURTE"]
    assert desk.count("contacts") == 1


def test_an_alias_is_noted_once_however_it_is_spelt(desk: Desk) -> None:
    put(desk, house(name="ANNA KURTE", phone=ONE, name2="BERT KURTE", phone2=ONE))
    row = put(desk, house(name="Bert  Kurte", phone=ONE, name2="anna kurte", phone2=ONE))
    assert counts(row) == (0, 0, 1)
    assert desk.person(e164(ONE))["aliases"] == ["BERT KURTE"]


def test_a_couple_may_share_an_email(desk: Desk) -> None:
    row = put(
        desk,
        house(
            name="ANNA KURTE",
            phone=ONE,
            email="kurte@example.com",
            name2="BERT KURTE",
            phone2=TWO,
            email2="Kurte@example.com",
        ),
    )
    assert counts(row) == (2, 0, 0)
    assert [p["email"] for p in desk.all("contacts")] == ["kurte@example.com"] * 2


def test_merge_fills_blanks_and_keeps_the_rest(desk: Desk) -> None:
    put(desk, house(phone=ONE))
    assert counts(put(desk, house(name="ANNA KURTE", phone=ONE, email="a@example.com"))) == (
        0,
        1,
        0,
    )
    row = put(desk, house(name="ANNA KURTE", phone=ONE, email="b@example.com"))
    assert shown(desk) == ("Anna", "Kurte", "ANNA KURTE")
    assert desk.person(e164(ONE))["email"] == "a@example.com"
    emails = [e["email"] for e in desk.all("contact_emails", "email")]
    assert (emails, counts(row)) == (["a@example.com", "b@example.com"], (0, 1, 0))


def test_replace_renames_by_the_first_mention_in_the_file(desk: Desk) -> None:
    put(desk, house(name="ANNA KURTE", phone=ONE, email="a@example.com"))
    rows = [
        house(
            name="CARL WEBSTER", phone=ONE, email="c@example.com", name2="DORA WEBSTER", phone2=ONE
        ),
        house(apn="A-2", address="2 OAK ST", name="EMIL WEBSTER", phone=ONE),
    ]
    assert counts(put(desk, *rows, duplicates="replace")) == (0, 1, 0)
    assert shown(desk) == ("Carl", "Webster", "CARL WEBSTER")
    assert desk.person(e164(ONE))["email"] == "c@example.com"
    assert counts(put(desk, *rows, duplicates="replace")) == (0, 0, 1)


def test_replace_turns_a_trust_into_a_person_and_back(desk: Desk) -> None:
    put(desk, house(name="KURTE TRUST", phone=ONE))
    for name, expected in (
        ("ANNA KURTE", ("Anna", "Kurte", "ANNA KURTE", False)),
        ("OAK STREET TRUST", (None, None, "OAK STREET TRUST", True)),
    ):
        again = house(name=name, phone=ONE)
        assert counts(put(desk, again, duplicates="replace")) == (0, 1, 0)
        assert (*shown(desk), desk.person(e164(ONE))["is_entity"]) == expected
        assert counts(put(desk, again, duplicates="replace")) == (0, 0, 1)


def test_a_nameless_number_may_turn_out_to_be_a_trust(desk: Desk) -> None:
    put(desk, house(phone=ONE))
    put(desk, house(name="KURTE TRUST", phone=ONE))
    person = desk.person(e164(ONE))
    assert (person["display_name"], person["is_entity"]) == ("KURTE TRUST", True)


def test_skip_leaves_people_as_they_are(desk: Desk) -> None:
    put(desk, house(phone=ONE))
    more = house(name="ANNA KURTE", phone=ONE, email="a@example.com", name2="BERT K", phone2=TWO)
    assert counts(put(desk, more, duplicates="skip")) == (1, 0, 1)
    assert shown(desk) == (None, None, None)
    assert desk.count("contact_emails") == 0


@pytest.mark.parametrize("duplicates", ["merge", "replace", "skip"])
def test_what_a_person_typed_is_never_overwritten(desk: Desk, duplicates: str) -> None:
    put(desk, house(name="ANNA KURTE", phone=ONE, email="a@example.com"))
    edit = {"first_name": "Annie", "email": None, "notes": "prefers mornings"}
    desk.write("PATCH", f"contacts?id=eq.{desk.person(e164(ONE))['id']}", edit)
    row = put(
        desk, house(name="ANNA KURTE", phone=ONE, email="a@example.com"), duplicates=duplicates
    )
    person = desk.person(e164(ONE))
    assert {name: person[name] for name in edit} == edit
    assert (person["last_name"], counts(row)) == ("Kurte", (0, 0, 1))


@pytest.mark.parametrize("duplicates", ["merge", "replace"])
def test_someone_typed_in_by_hand_keeps_the_name_he_was_given(desk: Desk, duplicates: str) -> None:
    desk.write(
        "POST",
        "contacts",
        {
            "location_id": desk.location.id,
            "first_name": "Anna",
            "last_name": "Kurte",
            "phone": e164(ONE),
        },
    )
    put(desk, house(name="BERT WEBSTER", phone=ONE, email="b@example.com"), duplicates=duplicates)
    person = desk.person(e164(ONE))
    assert (person["first_name"], person["last_name"]) == ("Anna", "Kurte")
    assert person["email"] == "b@example.com"
    assert "BERT WEBSTER" in (person["aliases"] if duplicates == "merge" else ["BERT WEBSTER"])
    assert duplicates == "replace" or person["display_name"] in (None, "Anna Kurte")


def test_a_number_typed_in_as_a_second_one_finds_its_person(desk: Desk) -> None:
    put(desk, house(name="ANNA KURTE", phone=ONE))
    anna = desk.person(e164(ONE))
    desk.write(
        "POST",
        "contact_phones",
        {"location_id": desk.location.id, "contact_id": str(anna["id"]), "phone": e164(TWO)},
    )
    row = put(desk, house(name="ANNA KURTE", phone=TWO))
    assert counts(row) == (0, 0, 1) and desk.count("contacts") == 1
    assert desk.person(e164(TWO))["phone"] == e164(ONE)


@pytest.mark.parametrize("where", ["one row", "one batch", "two batches", "two files"])
def test_someone_without_a_number_who_gets_one_stays_one_person(desk: Desk, where: str) -> None:
    without, with_one = house(name="ANNA KURTE"), house(name="Anna Kurte", phone=ONE)
    if where == "one row":
        put(desk, house(name="ANNA KURTE", name2="ANNA KURTE", phone2=ONE))
    elif where == "one batch":
        put(desk, without, with_one)
    elif where == "two batches":
        put(desk, without, *street(120), with_one)
    else:
        assert put(desk, without)["phoneless_created"] == 1
        row = put(desk, with_one)
        assert (counts(row), counts(row, "phoneless")) == ((0, 1, 0), (0, 0, 0))
        assert row["list_members_created"] == 1
    named = desk.all("contacts", where="name_key = 'ANNA KURTE'")
    assert [p["phone"] for p in named] == [e164(ONE)]
    assert desk.count("contacts", "phone is null") == 0


def test_someone_without_a_number_is_known_by_house_and_name(desk: Desk) -> None:
    """The same name in another house is somebody else: nothing says it is not."""
    rows = [house(name="ANNA KURTE"), house(apn="A-2", address="2 OAK ST", name="ANNA KURTE")]
    row = put(desk, *rows)
    assert counts(row, "phoneless") == (2, 0, 0) and row["phoneless_links_created"] == 2
    assert counts(put(desk, *rows), "phoneless") == (0, 0, 2)
    assert desk.count("list_members") == 0, "a list is whom to text"


@pytest.mark.parametrize("pair", [("ANNA KURTE", "anna  kurte"), ("ANNA KURTE", "ANNA KURTE.")])
def test_the_same_phoneless_name_twice_at_a_house_is_one_person(
    desk: Desk, pair: tuple[str, str]
) -> None:
    row = put(desk, house(name=pair[0], name2=pair[1]), house(name=pair[1], email="a@example.com"))
    assert counts(row, "phoneless") == (1, 0, 0)
    (person,) = desk.all("contacts")
    assert person["email"] == "a@example.com"


def test_someone_with_only_an_email_is_known_by_house_and_email(desk: Desk) -> None:
    rows = [house(email="a@example.com", email2="b@example.com")]
    assert counts(put(desk, *rows), "phoneless") == (2, 0, 0)
    assert counts(put(desk, *rows), "phoneless") == (0, 0, 2)


def test_a_phoneless_alias_is_the_person_who_has_it(desk: Desk) -> None:
    put(desk, house(name="ANNA KURTE", phone=ONE, name2="BERT KURTE", phone2=ONE))
    assert put(desk, house(name="BERT KURTE"))["phoneless_created"] == 0
    assert desk.count("contacts") == 1


@pytest.mark.parametrize("duplicates", ["merge", "replace", "skip"])
def test_the_deleted_stay_deleted_and_the_row_says_so(desk: Desk, duplicates: str) -> None:
    rows = [house(name="ANNA KURTE", phone=ONE, name2="BERT KURTE")]
    put(desk, *rows)
    for person in desk.all("contacts"):
        gone = {"deleted_at": "2026-11-20T12:00:00Z"}
        desk.write("PATCH", f"contacts?id=eq.{person['id']}", gone)
    before = desk.all("contacts")
    row = put(desk, *rows, list_name="Another", duplicates=duplicates)
    assert desk.all("contacts") == before
    assert desk.count("contact_cards") == 0
    assert (row["list_members_created"], row["warned_rows"], row["contacts_created"]) == (0, 1, 0)
    (line,) = desk.report(row["id"])
    assert "was deleted here and was not brought back" in line["warnings"]


def test_people_of_one_location_are_nobody_at_another(make_desk: object, desk: Desk) -> None:
    put(desk, house(name="ANNA KURTE", phone=ONE))
    other = make_desk()  # type: ignore[operator]
    assert counts(put(other, house(name="BERT WEBSTER", phone=ONE))) == (1, 0, 0)
    assert shown(desk) == ("Anna", "Kurte", "ANNA KURTE")


def test_cards_show_first_name_and_town_and_no_trusts_name(desk: Desk) -> None:
    put(desk, house(name="ANNA KURTE", phone=ONE, name2="KURTE TRUST", phone2=TWO))
    cards = desk.all("contact_cards", "first_name")
    assert [(c["first_name"], c["city"]) for c in cards] == [
        ("Anna", "WESTCLIFF"),
        (None, "WESTCLIFF"),
    ]
