"""A conversation by text on the real stack: the vendor's stand-in, web, the webhooks' worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from devstack.stack import Stack
from tests.stories.texting import Office, a_number, open_office


@pytest.fixture
def office(
    stack: Stack, db: psycopg.Connection[Any], redis_conn: redis.Redis, tmp_path: Path
) -> Iterator[Office]:
    """No text leaves: nobody works at the queue of sends."""
    with open_office(stack, db, redis_conn, tmp_path, "worker-webhooks") as found:
        yield found


def test_stop_in_the_middle_and_a_text_from_the_vendors_own_app(office: Office) -> None:
    customer = a_number()
    office.checked(customer)
    office.vendor.customer_texts(customer, "Can you look at my wall?", to=office.number)
    talk = office.wait("conversations", "needs_reply")
    assert talk["participants"] == [customer]

    office.vendor.app_texts(customer, "Yes, on Monday.", sender=office.number)
    mine = office.wait("messages", "direction = 'outgoing' and status = 'delivered'")
    assert (mine["body"], mine["source"]) == ("Yes, on Monday.", "vendor")
    office.wait("conversations", "not needs_reply and has_replied")

    allowed = office.write(customer, "Does nine o'clock suit you?")
    assert allowed.status_code == 200, allowed.text
    office.wait("outbound", "state = 'queued'")

    office.vendor.customer_texts(customer, "STOP", to=office.number)
    out = office.wait("opt_outs")
    assert (out["phone"], out["keyword"]) == (customer, "STOP")
    (queued,) = office.rows("outbound", "kind = 'conversation'")
    assert queued["state"] == "cancelled", "what was waiting does not go out any more"
    refused = office.write(customer, "One more thing")
    assert (refused.status_code, refused.json()["message"]) == (422, "opted_out"), refused.text

    office.vendor.idle()
    # The vendor's own answer to STOP is there too, as no word of anybody's.
    said = [row["body"] for row in office.rows("messages", "source = 'vendor' and not is_system")]
    assert sorted(said) == ["Can you look at my wall?", "STOP", "Yes, on Monday."]
