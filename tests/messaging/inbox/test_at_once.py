"""What comes in while somebody reads or sorts is neither lost nor in the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from supabase import PostgrestAPIError
from tests.messaging.inbox.office import Office, fresh_phone, inbox

WAITS = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ~ %s"


def wait_for_lock(db: psycopg.Connection[Any], what: str) -> None:
    """Returns as soon as somebody waits for a lock in such a query."""
    while db.execute(WAITS, (what,)).fetchone() == (0,):
        pass


def test_what_comes_in_while_it_is_marked_read_stays_unread(office: Office) -> None:
    talk = office.talk(fresh_phone())
    office.incoming(talk, "First.")
    browser = office.browser(office.place.owner)
    with (
        psycopg.connect(office.env["DATABASE_URL"]) as coming,
        ThreadPoolExecutor(1) as other,
    ):
        office.incoming(talk, "Second.", on=coming)
        reading = other.submit(browser.rpc("mark_read", {"p_conversation": talk}).execute)
        wait_for_lock(office.db, "mark_read")
        coming.commit()
        assert reading.result().data is True
    [row] = inbox(browser, office, unread=True)
    assert (row["unread_count"], row["last_preview"]) == (1, "Second.")


@pytest.mark.parametrize("action", ["archive", "read"])
def test_sorting_many_waits_for_nobody_who_could_wait_for_it(office: Office, action: str) -> None:
    talks = sorted(office.talk(fresh_phone()) for _ in range(3))
    for talk in talks:
        office.incoming(talk, "Hello.")
    browser = office.browser(office.place.owner)
    asked = {"p_ids": talks, "p_action": action}
    with psycopg.connect(office.env["DATABASE_URL"]) as coming:
        office.incoming(talks[1], "Are you there?", on=coming)
        with pytest.raises(PostgrestAPIError) as busy:
            browser.rpc("bulk_conversations", asked).execute()
        assert busy.value.message == "rows_busy"
        office.incoming(talks[0], "And here.", on=coming)
        coming.commit()
    assert browser.rpc("bulk_conversations", asked).execute().data == 3
    shown = {"archived": True} if action == "archive" else {"unread": False}
    assert len(inbox(browser, office, **shown)) == 3
