"""The vendor's address book: names for those nobody has named, never over what was typed."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.messaging.webhooks.inbox import Inbox


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_a_name_comes_before_or_after_the_first_text(inbox: Inbox, order: tuple[int, ...]) -> None:
    book = f"b{inbox.office.mark}"
    told = [
        inbox.tell.text(inbox.phone(), "Hello"),
        inbox.tell.contact(book, inbox.phone(), "An", "Ruiz"),
        inbox.tell.contact(book, inbox.phone(), "Ana", "Ruiz"),
    ]
    for nth in order:
        inbox.take_in(told[nth])
    contact = inbox.one("contacts")
    assert (contact["first_name"], contact["last_name"]) == ("Ana", "Ruiz")
    assert contact["openphone_contact_id"] == book


def test_a_name_that_is_known_stays(inbox: Inbox) -> None:
    inbox.rows_changed(
        "insert into contacts (location_id, first_name, phone) values (%s, 'Anna', %s)",
        inbox.place.id, inbox.phone(),
    )  # fmt: skip
    inbox.take_in(inbox.tell.contact(f"b{inbox.office.mark}", inbox.phone(), "Ana", "Ruiz"))
    contact = inbox.one("contacts")
    assert (contact["first_name"], contact["last_name"]) == ("Anna", None)
    assert contact["openphone_contact_id"]


@pytest.mark.parametrize("deleted_first", [False, True])
def test_who_is_deleted_there_stays_here_unlinked(inbox: Inbox, deleted_first: bool) -> None:
    inbox.take_in(inbox.tell.text(inbox.phone(), "Hello"))
    book = f"b{inbox.office.mark}"
    made = inbox.tell.contact(book, inbox.phone(), "Ana", "Ruiz")
    gone = inbox.tell.contact(book, inbox.phone(), "Ana", "Ruiz", kind="deleted")
    for told in (gone, made) if deleted_first else (made, gone):
        inbox.take_in(told)
    contact = inbox.one("contacts")
    assert (contact["first_name"], contact["openphone_contact_id"]) == ("Ana", None)


def test_nobody_is_made_of_the_address_book_alone(inbox: Inbox) -> None:
    inbox.take_in(inbox.tell.contact(f"b{inbox.office.mark}", inbox.phone(), "Ana", "Ruiz"))
    assert not inbox.all("contacts")
