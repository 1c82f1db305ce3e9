"""Who joins the list of an import, and who may not be texted."""

from __future__ import annotations

import pytest

from tests.imports.desk import Desk, Found
from tests.imports.sheets import any_phone, e164, house, numbered, sheet

ONE, TWO = numbered(1), numbered(2)


def put(desk: Desk, *rows: dict[str, str], **form: str) -> Found:
    return desk.done(sheet(*rows), **form)


def status(desk: Desk, phone: str) -> str:
    (member,) = desk.sql(
        "select status from list_members where contact_id = %s", desk.person(e164(phone))["id"]
    )
    return str(member["status"])


def test_people_with_a_number_join_with_their_house(desk: Desk) -> None:
    row = put(desk, house(name="ANNA KURTE", phone=ONE, name2="BERT KURTE"))
    (member,) = desk.all("list_members")
    (place,) = desk.all("properties")
    assert (member["list_id"], member["import_id"]) == (row["list_id"], row["id"])
    assert (member["property_id"], member["import_row_no"]) == (place["id"], 2)
    assert (member["status"], row["list_members_created"]) == ("active", 1)


@pytest.mark.parametrize("again", ["Westcliff", "WESTCLIFF", " Westcliff "])
def test_a_list_is_used_again_by_its_name(desk: Desk, again: str) -> None:
    put(desk, house(name="ANNA KURTE", phone=ONE))
    row = put(desk, house(name="BERT KURTE", phone=TWO), list_name=again)
    assert desk.count("lists") == 1 and desk.count("list_members") == 2
    assert row["list_members_created"] == 1


def test_another_name_is_another_list_of_the_same_people(desk: Desk) -> None:
    put(desk, house(name="ANNA KURTE", phone=ONE))
    row = put(desk, house(name="ANNA KURTE", phone=ONE), list_name="Autumn")
    assert (row["contacts_unchanged"], row["list_members_created"]) == (1, 1)
    assert desk.count("lists", "status = 'completed'") == 2


def test_who_opted_out_stays_so_and_joins_suppressed(desk: Desk) -> None:
    phone = any_phone()
    desk.write("POST", "opt_outs", {"location_id": desk.location.id, "phone": e164(phone)})
    for duplicates in ("merge", "replace", "skip"):
        row = put(
            desk,
            house(name="ANNA KURTE", phone=phone),
            duplicates=duplicates,
            consent="written",
            list_name=duplicates,
        )
        assert row["list_members_created"] == 1
    assert {m["status"] for m in desk.all("list_members")} == {"suppressed"}
    (opt_out,) = desk.all("opt_outs")
    assert opt_out["revoked_at"] is None


def test_an_opt_out_holds_at_every_location(desk: Desk, make_desk: object) -> None:
    phone = any_phone()
    desk.write("POST", "opt_outs", {"location_id": desk.location.id, "phone": e164(phone)})
    other = make_desk()  # type: ignore[operator]
    put(other, house(name="ANNA KURTE", phone=phone))
    assert status(other, phone) == "suppressed"


def test_an_opt_out_by_a_second_number_counts_for_its_person(desk: Desk) -> None:
    second = any_phone()
    put(desk, house(name="ANNA KURTE", phone=ONE), list_name="First")
    anna = str(desk.person(e164(ONE))["id"])
    place = {"location_id": desk.location.id}
    desk.write("POST", "contact_phones", {**place, "contact_id": anna, "phone": e164(second)})
    desk.write("POST", "opt_outs", {**place, "phone": e164(second)})
    put(desk, house(name="ANNA KURTE", phone=ONE), list_name="Second")
    assert {m["status"] for m in desk.all("list_members")} == {"suppressed"}


@pytest.mark.parametrize(
    ("flag", "joins"),
    [
        ({"flag": "office_number"}, "suppressed"),
        ({"flag": "do_not_contact"}, "suppressed"),
        ({"flag": "wrong_number"}, "suppressed"),
        ({"flag": "invalid_number", "applies_to": "both"}, "suppressed"),
        ({"flag": "negative", "expires_at": "2020-01-01T00:00:00Z"}, "active"),
        ({"flag": "do_not_contact", "applies_to": "email"}, "active"),
        ({"flag": "recently_texted"}, "active"),
    ],
)
@pytest.mark.parametrize("on", ["phone", "contact_id"])
def test_flagged_people_join_suppressed(
    desk: Desk, flag: dict[str, str], joins: str, on: str
) -> None:
    put(desk, house(name="ANNA KURTE", phone=ONE), tier="database")
    target = e164(ONE) if on == "phone" else str(desk.person(e164(ONE))["id"])
    body = {"location_id": desk.location.id, **flag, on: target}
    desk.write("POST", "contact_flags", body)
    assert put(desk, house(name="ANNA KURTE", phone=ONE))["list_members_created"] == 1
    assert status(desk, ONE) == joins


@pytest.mark.parametrize(
    ("was", "becomes", "counted"),
    [("removed", "active", "updated"), ("suppressed", "suppressed", "unchanged")],
)
def test_the_removed_come_back_and_the_suppressed_do_not(
    desk: Desk, was: str, becomes: str, counted: str
) -> None:
    put(desk, house(name="ANNA KURTE", phone=ONE))
    (member,) = desk.all("list_members")
    where = f"list_members?list_id=eq.{member['list_id']}&contact_id=eq.{member['contact_id']}"
    desk.write("PATCH", where, {"status": was})
    row = put(desk, house(name="ANNA KURTE", phone=ONE))
    assert status(desk, ONE) == becomes
    assert row[f"list_members_{counted}"] == 1


def test_the_removed_who_opted_out_come_back_suppressed(desk: Desk) -> None:
    phone = any_phone()
    put(desk, house(name="ANNA KURTE", phone=phone))
    (member,) = desk.all("list_members")
    desk.write("PATCH", f"list_members?contact_id=eq.{member['contact_id']}", {"status": "removed"})
    desk.write("POST", "opt_outs", {"location_id": desk.location.id, "phone": e164(phone)})
    put(desk, house(name="ANNA KURTE", phone=phone))
    assert status(desk, phone) == "suppressed"


def test_the_database_tier_fills_no_list(desk: Desk) -> None:
    row = put(desk, house(name="ANNA KURTE", phone=ONE), tier="database")
    assert (row["contacts_created"], row["list_members_created"]) == (1, 0)
    assert desk.count("list_members") == 0


@pytest.mark.parametrize("consent", ["unknown", ""])
def test_no_consent_is_written_where_none_was_given(desk: Desk, consent: str) -> None:
    form = {"consent": consent} if consent else {}
    assert put(desk, house(name="ANNA KURTE", phone=ONE), **form)["consent"] == "unknown"
    assert desk.count("consents") == 0


@pytest.mark.parametrize("consent", ["express", "written"])
def test_given_consent_is_on_record_once_for_each_number(desk: Desk, consent: str) -> None:
    rows = [house(name="ANNA KURTE", phone=ONE, name2="BERT KURTE", phone2=ONE), house(name2="X Y")]
    first = put(desk, *rows, consent=consent)
    put(desk, *rows, consent=consent)
    (given,) = desk.all("consents")
    assert (given["phone"], given["status"], given["source"]) == (e164(ONE), consent, "import")
    assert (given["import_id"], str(given["created_by"])) == (first["id"], desk.location.owner.id)


def test_an_import_does_not_speak_over_a_revocation(desk: Desk) -> None:
    body = {"location_id": desk.location.id, "phone": e164(ONE), "status": "revoked"}
    desk.write("POST", "consents", body)
    put(desk, house(name="ANNA KURTE", phone=ONE), consent="written")
    assert [c["status"] for c in desk.all("consents")] == ["revoked"]
