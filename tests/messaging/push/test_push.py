"""Our names in the vendor's address book: once, whole, and only where somebody would see them."""

from __future__ import annotations

import pytest

from edge_jobs import contact_push, syncs
from tests.messaging.push.book import Book, names, values
from tests.messaging.vendor_line import Killed, die_at


def test_people_with_a_conversation_and_a_name_are_told_of_once(book: Book) -> None:
    ana = book.person(first_name="Ana", last_name="Ruiz", email="ana@example.com")
    silent = book.person(first_name="Silent", talks=False)
    nameless = book.person()
    assert book.push() == {"seen": 1, "created": 1}
    told = book.one(ana)
    assert names(told) == ("Ana", "Ruiz", None)
    assert values(told, "emails") == ["ana@example.com"]
    assert values(told, "phoneNumbers") == [
        book.value("select phone from contacts where id = %s", ana)
    ]
    assert book.told(silent) == book.told(nameless) == []
    assert book.begin() is None


def test_nobody_is_told_of_unless_the_owner_wants_it(book: Book) -> None:
    book.person(first_name="Ana")
    book.switch(False)
    assert book.begin() is None
    book.switch(True)
    run_id = book.begin()
    assert run_id
    book.switch(False)
    assert book.go_on(run_id) == {}
    assert book.all() == []


def test_an_entity_is_a_company_and_whole_names_stay_whole(book: Book) -> None:
    trust = book.person(is_entity=True, display_name="Oak Street Trust")
    whole = book.person(display_name="Sam de la Cruz")
    last = book.person(last_name="Smith")
    assert book.push()["created"] == 3
    assert names(book.one(trust)) == ("Oak Street Trust", None, "Oak Street Trust")
    assert names(book.one(whole)) == ("Sam de la Cruz", None, None)
    assert names(book.one(last)) == ("Smith", None, None)


def test_what_the_office_added_there_stays_and_what_we_took_back_goes(book: Book) -> None:
    ana = book.person(first_name="Ana", last_name="Ruiz", email="old@example.com")
    book.push()
    told = book.one(ana)
    fields = told["defaultFields"] | {"role": "Neighbour"}
    fields["phoneNumbers"] = [*fields["phoneNumbers"], {"name": "barn", "value": "+16175550142"}]
    custom = [{"key": "lead-source", "value": "door"}]
    book.line.sandbox.v1(
        "PATCH",
        f"/contacts/{told['id']}",
        json={"defaultFields": fields, "customFields": custom},
    ).raise_for_status()
    book.change(ana, "last_name", "Ruiz-Lopez")
    book.value("delete from contact_emails where contact_id = %s returning id", ana)
    assert book.push() == {"seen": 1, "updated": 1}
    told = book.one(ana)
    assert names(told) == ("Ana", "Ruiz-Lopez", None)
    assert told["defaultFields"]["role"] == "Neighbour"
    assert "+16175550142" in values(told, "phoneNumbers")
    assert len(values(told, "phoneNumbers")) == 2
    assert values(told, "emails") == []
    assert [item["value"] for item in told["customFields"]] == ["door"]


def test_the_webhooks_of_our_own_push_change_nothing_and_start_nothing(book: Book) -> None:
    people = [
        book.person(first_name="Ana", last_name="Ruiz"),
        book.person(last_name="Smith"),
        book.person(is_entity=True, display_name="Oak Street Trust"),
    ]
    forms = "select jsonb_agg(private.push_form(c) order by id) from contacts c where id = any (%s)"
    before = book.value(forms, people)
    book.push()
    assert book.line.webhooks_come(book.db) > 0
    assert book.value(forms, people) == before
    assert book.begin() is None
    book.change(people[0], "first_name", "Anna")
    assert book.push() == {"seen": 1, "updated": 1}
    book.line.webhooks_come(book.db)
    assert book.value("select first_name from contacts where id = %s", people[0]) == "Anna"
    assert book.begin() is None


def test_who_was_deleted_there_is_not_made_again(book: Book) -> None:
    ana = book.person(first_name="Ana")
    book.push()
    book.line.sandbox.v1("DELETE", f"/contacts/{book.one(ana)['id']}").raise_for_status()
    book.line.webhooks_come(book.db)
    assert book.begin() is None
    book.change(ana, "first_name", "Anna")
    assert book.push() == {"seen": 1, "gone": 1}
    book.change(ana, "first_name", "Annie")
    assert book.begin() is None
    assert book.told(ana) == []


def test_a_contact_of_theirs_that_is_linked_is_taken_up(book: Book) -> None:
    ana = book.person(first_name="Ana", last_name="Ruiz")
    made = book.line.sandbox.v1(
        "POST", "/contacts", json={"defaultFields": {"firstName": "Roof lady"}}
    ).json()["data"]
    book.change(ana, "openphone_contact_id", made["id"])
    assert book.push() == {"seen": 1, "updated": 1}
    assert [each["id"] for each in book.all()] == [made["id"]]
    assert names(book.one(ana)) == ("Ana", "Ruiz", None)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(1, 7))
def test_a_worker_that_is_killed_makes_nobody_twice(
    book: Book, monkeypatch: pytest.MonkeyPatch, step: int, after: bool
) -> None:
    """Claim, list, a record for each, list: killed before or after each word."""
    people = [book.person(first_name=name) for name in ("Ana", "Bob", "Cleo")]
    run_id = book.begin()
    assert run_id
    with monkeypatch.context() as patched:
        die_at(patched, step, after=after)
        with pytest.raises(Killed):
            syncs.run_sync(run_id)
    book.go_on(run_id)
    assert [names(book.one(person))[0] for person in people] == ["Ana", "Bob", "Cleo"]
    assert book.begin() is None


@pytest.mark.parametrize("kind", ["done_then_error", "done_then_drop", "error", "drop"])
def test_an_answer_that_is_lost_makes_nobody_twice(book: Book, kind: str) -> None:
    ana = book.person(first_name="Ana")
    book.line.sandbox.fault(kind, path="/v1/contacts", method="POST")
    run_id = book.begin()
    assert run_id
    assert syncs.run_sync(run_id) == "running"
    book.go_on(run_id)
    assert names(book.one(ana))[0] == "Ana"


def test_one_whom_the_vendor_refuses_stops_nobody(book: Book) -> None:
    people = [book.person(first_name=name) for name in ("Ana", "Bob")]
    book.line.sandbox.fault("refuse", path="/v1/contacts", method="POST", status=400)
    assert book.push() == {"seen": 2, "refused": 1, "created": 1}
    assert book.begin() is None
    assert sum(len(book.told(person)) for person in people) == 1
    for person in people:
        book.change(person, "last_name", "Ruiz")
    counts = book.push()
    assert (counts["created"], counts["updated"]) == (1, 1)


def test_an_account_that_is_refused_ends_the_run_for_some_hours(book: Book) -> None:
    book.person(first_name="Ana")
    book.line.sandbox.fault("refuse", count=None, path="/v1/contacts", status=401)
    run_id = book.begin()
    assert run_id
    assert syncs.run_sync(run_id) == "failed"
    assert book.begin() is None


def test_a_paused_run_waits(book: Book) -> None:
    book.person(first_name="Ana")
    run_id = book.begin()
    book.db.execute("update sync_runs set status = 'paused' where id = %s", (run_id,))
    assert syncs.run_sync(str(run_id)) == "nothing"
    assert book.begin() is None
    assert contact_push.begin_contact_pushes() >= 0
    assert book.all() == []
