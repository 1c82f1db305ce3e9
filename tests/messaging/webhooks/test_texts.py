"""Texts: once each, whoever tells of them and in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.messaging.webhooks.inbox import Inbox
from tests.messaging.webhooks.told import DATED, LEGACY, iso

PHOTO = {"url": "https://files.example.com/1.jpg", "type": "image/jpeg"}


def test_a_text_makes_a_nameless_person_and_a_conversation(inbox: Inbox) -> None:
    told = inbox.tell.text(inbox.phone(), "Can you look at my wall?")
    inbox.take_in(told)
    message, talk, contact = (
        inbox.one("messages"),
        inbox.one("conversations"),
        inbox.one("contacts"),
    )
    assert (contact["phone"], contact["lead_source"]) == (inbox.phone(), "openphone")
    assert not any(contact[name] for name in ("first_name", "last_name", "display_name"))
    assert message["contact_id"] == talk["contact_id"] == contact["id"]
    assert (message["body"], message["status"]) == ("Can you look at my wall?", "received")
    assert (talk["last_preview"], talk["needs_reply"]) == ("Can you look at my wall?", True)
    assert (talk["last_at"], talk["last_direction"]) == (message["occurred_at"], "incoming")
    assert inbox.event(told)["status"] == "processed"


def test_both_systems_tell_of_it_and_it_is_there_once(inbox: Inbox) -> None:
    told = inbox.tell.text(inbox.phone(), "Hello", media=[PHOTO, "https://files.example.com/2.png"])
    inbox.put(told, scheme=LEGACY)
    inbox.take_in(told, scheme=DATED)
    assert len(inbox.all("messages")) == len(inbox.all("conversations")) == 1
    urls = [row["source_url"] for row in inbox.all("media")]
    assert sorted(urls) == [PHOTO["url"], "https://files.example.com/2.png"]
    assert inbox.one("conversations")["has_media"]


def test_a_known_person_is_found_by_any_of_his_numbers(inbox: Inbox) -> None:
    inbox.rows_changed(
        "insert into contacts (location_id, first_name, phone) values (%s, 'Ana', %s)",
        inbox.place.id, inbox.phone(1),
    )  # fmt: skip
    contact = inbox.one("contacts")["id"]
    inbox.rows_changed(
        "insert into contact_phones (location_id, contact_id, phone) values (%s, %s, %s)",
        inbox.place.id, contact, inbox.phone(2),
    )  # fmt: skip
    inbox.take_in(inbox.tell.text(inbox.phone(2), "It is me"))
    assert inbox.one("messages")["contact_id"] == contact


def test_a_group_is_a_conversation_of_its_own(inbox: Inbox) -> None:
    both = [inbox.phone(2)]
    inbox.take_in(
        inbox.tell.text(inbox.phone(1), "We both"),
        inbox.tell.text(inbox.phone(1), "Only me"),
    )
    assert len(inbox.all("conversations")) == 1
    inbox.take_in(inbox.tell.text(inbox.phone(1), "All of us", others=both))
    groups = [row for row in inbox.all("conversations") if row["is_group"]]
    assert [row["participants"] for row in groups] == [[inbox.phone(1), inbox.phone(2)]]
    assert groups[0]["contact_id"] is None


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_status_goes_forward_only(inbox: Inbox, order: tuple[int, ...]) -> None:
    first = inbox.tell.sent(inbox.phone(), "We come at nine", status="sent")
    same = {"id": first.thing["id"], "createdAt": first.thing["createdAt"]}
    failed = inbox.tell.sent(
        inbox.phone(), "We come at nine", status="undelivered", errorCode="30007", **same
    )
    arrived = inbox.tell.sent(inbox.phone(), "We come at nine", **same)
    told = [first, failed, arrived]
    for nth in order:
        inbox.take_in(told[nth])
    message = inbox.one("messages")
    assert (message["status"], message["error_code"]) == ("delivered", None)
    assert (message["delivered_at"], message["source"]) == (arrived.at, "vendor")


def test_a_text_from_the_vendors_app_says_who_sent_it(inbox: Inbox) -> None:
    user = f"US{inbox.office.mark}"
    inbox.rows_changed(
        "update profiles set openphone_user_id = %s where id = %s", user, inbox.place.owner.id
    )
    told = inbox.tell.sent(inbox.phone(), "On my way")
    told.around["userId"] = user
    inbox.take_in(told)
    message = inbox.one("messages")
    assert str(message["sent_by"]) == inbox.place.owner.id
    assert (message["from_phone"], message["to_phone"]) == (inbox.office.number, inbox.phone())
    assert not inbox.one("conversations")["needs_reply"]


def test_the_vendors_own_answer_to_stop_is_no_answer_of_ours(inbox: Inbox) -> None:
    asked = inbox.tell.text(inbox.phone(), "How much is it?")
    answer = (
        "You have been unsubscribed and will receive no further messages. Reply START to resume."
    )
    inbox.take_in(asked, inbox.tell.sent(inbox.phone(), answer))
    said = {row["body"]: row["is_system"] for row in inbox.all("messages")}
    assert said == {"How much is it?": False, answer: True}
    assert inbox.one("conversations")["needs_reply"]


@pytest.mark.parametrize(("text", "waits"), [("STOP", False), ("HELP", False), ("Stop by?", True)])
def test_a_keyword_alone_asks_for_no_reply(inbox: Inbox, text: str, waits: bool) -> None:
    inbox.take_in(inbox.tell.sent(inbox.phone(), "Hello"), inbox.tell.text(inbox.phone(), text))
    talk = inbox.one("conversations")
    assert (talk["needs_reply"], talk["last_preview"]) == (waits, text)


def test_a_number_that_is_not_ours_waits_until_it_is(inbox: Inbox) -> None:
    told = inbox.tell.text(inbox.phone(), "Anybody there?")
    inbox.rows_changed(
        "update phone_numbers set e164 = %s, openphone_id = null where e164 = %s",
        inbox.phone(98), inbox.office.number,
    )  # fmt: skip
    inbox.take_in(told)
    event = inbox.event(told)
    assert (event["status"], event["error_code"]) == ("dead", "unknown_number")
    inbox.rows_changed(
        "update phone_numbers set e164 = %s where e164 = %s", inbox.office.number, inbox.phone(98)
    )
    inbox.take_in()
    assert inbox.event(told)["status"] == "processed"
    assert inbox.one("messages")["body"] == "Anybody there?"


def test_a_number_is_known_by_its_digits_and_its_new_id_learnt(inbox: Inbox) -> None:
    inbox.rows_changed("update phone_numbers set openphone_id = 'PNold' || id::text"
                       " where e164 = %s", inbox.office.number)  # fmt: skip
    inbox.take_in(inbox.tell.text(inbox.phone(), "Hello"))
    assert inbox.one("phone_numbers")["openphone_id"] == inbox.office.number_id
    assert len(inbox.all("messages")) == 1


def test_a_report_that_says_only_which_waits_for_its_text(inbox: Inbox) -> None:
    told = inbox.tell.sent(inbox.phone(), "Here we are")
    bare = inbox.tell.sent(inbox.phone(), "Here we are", id=told.thing["id"], status="delivered")
    bare.thing.clear()
    bare.thing.update(id=told.thing["id"], status="delivered")
    bare.around.clear()
    inbox.take_in(bare)
    assert inbox.event(bare)["status"] == "parked"
    inbox.take_in(told)
    assert inbox.event(bare)["status"] == "processed"
    assert inbox.one("messages")["status"] == "delivered"


def test_what_the_system_texts_itself_is_heard_and_not_shown(make: Callable[[], Inbox]) -> None:
    here, there = make(), make()
    text = f"AAC-HEALTH-{here.office.mark}"
    here.take_in(here.tell.text(there.office.number, text))
    assert here.row("select public.health_heard(%s) as at", text)["at"]
    assert not here.all("messages") and not here.all("conversations")


def test_a_customer_who_writes_the_same_is_heard_as_a_customer(inbox: Inbox) -> None:
    text = f"AAC-HEALTH-{inbox.office.mark}"
    inbox.take_in(inbox.tell.text(inbox.phone(), text))
    assert inbox.one("messages")["body"] == text
    assert not inbox.row("select public.health_heard(%s) as at", text)["at"]


def test_a_short_code_is_no_person(inbox: Inbox) -> None:
    inbox.take_in(inbox.tell.text("262966", "Your code is 1234"))
    assert inbox.one("conversations")["participants"] == ["262966"]
    assert not inbox.all("contacts")


def test_our_own_number_never_becomes_a_person(make: Callable[[], Inbox]) -> None:
    here, there = make(), make()
    here.take_in(here.tell.text(there.office.number, "From the other office"))
    assert len(here.all("messages")) == 1
    assert not here.all("contacts")


def test_the_owner_is_told_of_a_text_once(inbox: Inbox) -> None:
    told = inbox.tell.text(inbox.phone(), "Hello")
    inbox.put(told, scheme=LEGACY)
    inbox.take_in(told)
    assert len([row for row in inbox.all("notifications") if row["kind"] == "message"]) == 2


def test_a_start_of_the_year_9999_undoes_no_stop_to_come(inbox: Inbox) -> None:
    soon = iso(datetime.now(UTC) + timedelta(minutes=1))
    start = inbox.tell.text(inbox.phone(), "START", createdAt="9999-12-31T23:59:59Z")
    stop = inbox.tell.text(inbox.phone(), "STOP", createdAt=soon)
    inbox.take_in(start, stop)
    assert inbox.one("opt_outs")["revoked_at"] is None
