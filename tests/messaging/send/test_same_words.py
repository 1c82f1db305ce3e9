"""The same words twice, on purpose: each goes once, and neither is taken for the other."""

from __future__ import annotations

import pytest

from edge_jobs.sends import send_texts
from tests.messaging.send.office import Office
from tests.sandbox_driver import Sandbox

SENDING = {"path": "/v1/messages", "method": "POST"}
WORDS = "On my way."


def vendors_ids(office: Office, *texts: str) -> set[str]:
    """Under which ids we know them; one that is in doubt has none."""
    found = office.db.execute(
        "select external_id from outbound where id = any (%s::uuid[])", (list(texts),)
    ).fetchall()
    return {row[0] for row in found if row[0]}


@pytest.mark.parametrize("faulty", [0, 1], ids=["first", "second"])
def test_what_was_taken_without_an_answer_is_told_from_its_twin(
    office: Office, sandbox: Sandbox, faulty: int
) -> None:
    phone = office.phone()
    sandbox.fault("done_then_drop", skip=faulty, **SENDING)
    twins = [office.text(phone, body=WORDS), office.text(phone, body=WORDS)]
    send_texts()
    assert sorted(map(office.state, twins)) == ["accepted", "unconfirmed"]
    office.ask()
    assert [office.both(text) for text in twins] == [("accepted", "sent")] * 2
    assert len(vendors_ids(office, *twins)) == office.taken()[phone] == 2


def test_what_was_never_taken_is_not_taken_for_its_twin(office: Office, sandbox: Sandbox) -> None:
    phone = office.phone()
    sandbox.fault("drop", **SENDING)
    lost, sent = office.text(phone, body=WORDS), office.text(phone, body=WORDS)
    send_texts()
    office.ask(times=3)
    assert (office.state(lost), office.state(sent)) == ("unconfirmed", "accepted")
    assert office.taken() == {phone: 1}


def test_two_in_doubt_and_two_listed_are_left_to_a_person(office: Office, sandbox: Sandbox) -> None:
    phone = office.phone()
    sandbox.fault("done_then_drop", count=2, **SENDING)
    twins = [office.text(phone, body=WORDS), office.text(phone, body=WORDS)]
    send_texts()
    office.ask(times=3)
    assert [office.state(text) for text in twins] == ["unconfirmed"] * 2
    send_texts()
    assert office.taken() == {phone: 2}
