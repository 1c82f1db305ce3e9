"""What the marketer and the technician would gain: people's names, numbers, e-mails and streets."""

from __future__ import annotations

import httpx
import pytest

from tests.rights.attacks.conftest import Ask, Household
from tests.rights.records import phone
from tests.rights.rows import Rows
from tests.rights.statement import Line
from tests.rights.world import Actor, World

FORMS = (
    "application/json",
    "text/csv",
    "application/vnd.pgrst.object+json",
    "application/vnd.pgrst.plan+json",
    'application/vnd.pgrst.plan+text; for="text/csv"; options=analyze|verbose|buffers',
    "application/octet-stream",
    "application/geo+json",
    "*/*",
)


def tells_nothing(answer: httpx.Response, of: Household) -> bool:
    said = answer.text + str(answer.headers)
    return not any(secret in said for secret in of.hidden)


EMBEDS = [
    "/contact_cards?select=*,contacts(*)&contact_id=eq.{contact}",
    "/contact_cards?select=first_name,...contacts(last_name,phone)&contact_id=eq.{contact}",
    "/contact_cards?select=first_name,c:contacts!inner(phone,email)&contact_id=eq.{contact}",
    "/contact_cards?select=contacts(contact_phones(phone),contact_emails(email))"
    "&contact_id=eq.{contact}",
    "/contact_cards?select=contacts(property_contacts(properties(address,apn)))"
    "&contact_id=eq.{contact}",
    "/lists?select=name,list_members(contacts(*),properties(*))&id=eq.{list}",
    "/lists?select=*,properties(*),imports(*)&id=eq.{list}",
    "/locations?select=*,contacts(*)&id=eq.{location}",
    "/profiles?select=*,contacts(*),notes(*)",
    "/location_members?select=*,locations(contacts(*),opt_outs(*))",
    "/contacts?id=eq.{contact}",
    "/contact_phones?contact_id=eq.{contact}",
    "/property_contacts?select=*,contacts(*),properties(*)&contact_id=eq.{contact}",
    "/audit_log?select=*",
]


@pytest.mark.parametrize("path", EMBEDS)
def test_reading_hidden_columns_through_an_embed(
    ask: Ask, marketer: Actor, technician: Actor, here: Household, path: str
) -> None:
    for actor in (marketer, technician):
        answer = ask(actor, path.format_map(vars(here)))
        assert answer.status_code in (200, 300, 400) and tells_nothing(answer, here)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", ["exact", "planned", "estimated"])
def test_reading_hidden_columns_in_another_format(
    ask: Ask, marketer: Actor, here: Household, form: str, count: str
) -> None:
    for path in ("/contact_cards?select=*,contacts(*)", "/contacts?select=*"):
        answer = ask(marketer, path, headers={"Accept": form, "Prefer": f"count={count}"})
        assert tells_nothing(answer, here)


GUESSES = [
    "/contact_cards?select=contact_id,contacts!inner()&contacts.{column}=eq.{guess}",
    "/contact_cards?select=contact_id,contacts!inner()&contacts.or=({column}.eq.{guess})",
    "/contact_cards?select=contact_id,contacts!inner()&contacts.not.and=({column}.neq.{guess})",
    "/contact_cards?select=contact_id,contacts()&contacts.{column}=eq.{guess}&contacts=not.is.null",
    "/contact_cards?select=contact_id,contacts()&or=(contacts.not.is.null,contact_id.is.null)",
    "/contacts?select=id&{column}=eq.{guess}",
    "/contacts?select=id&or=({column}.eq.{guess},and({column}.not.is.null,{column}.eq.{guess}))",
    "/contacts?select=id&not.or=({column}.neq.{guess})",
    "/lists?select=id,list_members!inner(contacts!inner())&list_members.contacts.{column}=eq.{guess}",
]


@pytest.mark.parametrize("column", ["phone", "email", "last_name", "notes"])
@pytest.mark.parametrize("path", GUESSES)
def test_guessing_a_hidden_value_by_a_filter(
    ask: Ask, marketer: Actor, owner: Actor, here: Household, path: str, column: str
) -> None:
    """A right guess must look like a wrong one."""
    right = {
        "phone": here.phone,
        "email": here.email,
        "last_name": here.last_name,
        "notes": here.apn,
    }
    guessed, wrong = (
        ask(
            marketer,
            path.format(column=column, guess=httpx.QueryParams({"": guess}).__str__()[1:]),
            headers={"Prefer": "count=exact"},
        )
        for guess in (right[column], "nothing-like-it")
    )
    assert (guessed.status_code, guessed.text) == (wrong.status_code, wrong.text)
    assert guessed.headers.get("content-range") == wrong.headers.get("content-range")


def test_guessing_a_number_by_what_the_planner_expects(
    ask: Ask, marketer: Actor, here: Household
) -> None:
    planned = {"Prefer": "count=planned"}
    number = here.phone.removeprefix("+")
    known, unknown = (
        ask(marketer, f"/contacts?select=id&phone=eq.%2B{digits}", headers=planned)
        for digits in (number, "12125550100")
    )
    assert known.headers["content-range"] == unknown.headers["content-range"]


@pytest.mark.parametrize("column", ["display_name", "phone", "email"])
def test_making_a_cast_fail_on_a_hidden_value(
    ask: Ask, marketer: Actor, stranger_owner: Actor, here: Household, column: str
) -> None:
    """ "invalid input syntax for type integer: …" would quote it."""
    for actor in (marketer, stranger_owner):
        for path in (
            f"/contacts?select={column}::int&id=eq.{here.contact}",
            f"/contacts?select=id&id=eq.{here.contact}&order=metadata->>x",
            f"/contact_cards?select=contacts({column}::int)&contact_id=eq.{here.contact}",
        ):
            answer = ask(actor, path)
            assert answer.status_code == 200 and tells_nothing(answer, here)


@pytest.mark.parametrize("order", ["contacts(last_name)", "contacts(phone).desc", "last_name"])
def test_sorting_cards_by_a_hidden_column(ask: Ask, marketer: Actor, order: str) -> None:
    path = f"/contact_cards?select=contact_id,contacts(phone)&order={order}"
    answer = ask(marketer, path)
    assert answer.status_code == 400 or all(row["contacts"] is None for row in answer.json())


@pytest.mark.parametrize(
    "select", ["count()", "first_name.max()", "contacts(phone.max())", "list_members(count())"]
)
def test_adding_up_what_is_hidden(ask: Ask, marketer: Actor, select: str) -> None:
    for table in ("contact_cards", "lists", "contacts"):
        answer = ask(marketer, f"/{table}?select={select}")
        assert answer.status_code in (400, 404) or answer.json() == []


def test_finding_hidden_values_by_searching(ask: Ask, marketer: Actor, here: Household) -> None:
    for words in (*here.hidden, here.phone[-4:], here.email.split("@")[0], "Secret Street"):
        found = ask(
            marketer,
            "/rpc/search_cards",
            "POST",
            json={"p_location": here.location, "p_query": words},
        )
        assert found.status_code == 200 and found.json() == [], words
        asked = {"p_location": here.location, "p_query": words}
        assert ask(marketer, "/rpc/search_contacts", "POST", json=asked).status_code == 403
    found = ask(
        marketer,
        "/rpc/search_cards",
        "POST",
        json={"p_location": here.location, "p_query": here.first_name},
    )
    assert [row["contact_id"] for row in found.json()] == [here.contact]
    assert tells_nothing(found, here)


def test_finding_people_of_another_location_by_searching_ones_own(
    ask: Ask, stranger_owner: Actor, here: Household, there: Household
) -> None:
    """By everything a search looks at, alone and with the town behind it."""
    known = (
        here.first_name,
        *here.hidden,
        here.phone[-4:],
        here.address.split(" ", 1)[1],
        "Fairpond",
    )
    for words in (*known, *(f"{known_word} Fairpond" for known_word in known)):
        asked = {"p_location": there.location, "p_query": words, "p_limit": 100}
        for name in ("search_contacts", "search_cards"):
            found = ask(stranger_owner, f"/rpc/{name}", "POST", json=asked)
            assert found.status_code == 200, found.text
            assert here.contact not in found.text and tells_nothing(found, here)


def test_getting_a_card_back_with_more_than_a_card(
    ask: Ask, marketer: Actor, here: Household
) -> None:
    """Writing with return=representation, where the write itself is refused."""
    full = {"Prefer": "return=representation"}
    card = f"/contact_cards?contact_id=eq.{here.contact}&select=*,contacts(*)"
    for method, body in (("PATCH", {"city": "X"}), ("DELETE", None), ("POST", {"city": "X"})):
        answer = ask(marketer, card, method, headers=full, json=body)
        assert answer.status_code == 403 and tells_nothing(answer, here)


def test_learning_that_a_number_is_taken(
    ask: Ask,
    rows: Rows,
    marketer: Actor,
    technician: Actor,
    stranger_owner: Actor,
    here: Household,
    there: Household,
) -> None:
    """Inside the office `phone_taken` is a help; to everybody else a number says nothing."""
    for actor in (marketer, technician):
        answers = [
            ask(actor, f"/{table}", "POST", json=body | {"phone": number})
            for table, body in (
                ("contacts", {"location_id": here.location}),
                ("contact_phones", {"location_id": here.location, "contact_id": here.contact}),
                ("opt_outs", {"location_id": here.location}),
            )
            for number in (here.phone, "+12125550101")
        ]
        assert {answer.status_code for answer in answers} == {403}
        assert len({answer.text for answer in answers}) == 3
    second = {"location_id": here.location, "contact_id": here.contact, "phone": phone()}
    rows.insert("contact_phones", second)
    mine = {"location_id": there.location, "phone": second["phone"]}
    assert ask(stranger_owner, "/contacts", "POST", json=mine).status_code == 201


def test_reading_the_hash_of_a_key_or_an_invitation(
    ask: Ask, owner: Actor, lines: list[Line]
) -> None:
    """Not by selecting it, filtering, sorting, embedding nor asking to have it back."""
    for table, column in (("api_keys", "secret_hash"), ("invites", "token_hash")):
        for path in (
            f"/{table}?select={column}",
            f"/{table}?select=*",
            f"/{table}?select=id&{column}=like.a*",
            f"/{table}?select=id&or=(id.is.null,{column}.gte.0)",
            f"/{table}?select=id&order={column}",
            f"/locations?select=id,{table}({column})",
            f"/locations?select=id,{table}!inner()&{table}.{column}=gte.0",
        ):
            assert ask(owner, path).status_code == 403, path


def test_reading_the_addresses_of_what_there_is(ask: Ask, world: World) -> None:
    """PostgREST's description of itself names nothing to who is not signed in."""
    for actor in world.outsiders:
        if actor.name in ("anon", "owner by a forged token", "owner by an expired token"):
            answer = ask(actor, "/")
            assert answer.status_code == 401 or list(answer.json()["paths"]) == ["/"]
