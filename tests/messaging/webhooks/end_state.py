"""All that webhooks leave at an office, without the ids and times that differ by run."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.messaging.webhooks.inbox import Inbox

# Our ids, and when our own clock was read.
OURS = """{id,location_id,created_at,updated_at,conversation_id,contact_id,phone_number_id,
message_id,call_id,recording_id,voicemail_id,next_try_at,lease,lease_until,user_id,link,done_at,
done_by,created_by,sent_by,requested_by,opt_out_id,name_key,
revoked_message_id}"""
# Some notifications are known by the todo they tell of.
OUR_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TALK = """(select string_agg(p, ',' order by p) from conversations c, unnest(c.participants) p
  where c.id = t.conversation_id)"""
TABLES = {
    "contacts": "'-'",
    "contact_phones": "'-'",
    "conversations": "(select phone from contacts where id = t.contact_id)",
    "messages": f"{TALK} || coalesce((select phone from contacts where id = t.contact_id), '-')",
    "calls": TALK,
    "voicemails": f"{TALK} || (select external_id from calls where id = t.call_id)",
    "call_recordings": "(select external_id from calls where id = t.call_id)",
    "media": f"""{TALK} || coalesce((select external_id from messages where id = t.message_id),
      (select external_id from call_recordings where id = t.recording_id),
      (select external_id from voicemails where id = t.voicemail_id))""",
    "todos": TALK,
    "notifications": "'-'",
    "opt_outs": "'-'",
    "opt_out_events": "'-'",
    "send_holds": "'-'",
}


def told(inbox: Inbox) -> list[str]:
    """One line a row, sorted, without what marks this office."""
    found = [line for table in TABLES for line in _lines(inbox, table)]
    stem = inbox.office.number[:-2]
    return sorted(
        OUR_ID.sub("ID", line.replace(inbox.office.mark, "MARK").replace(stem, "STEM"))
        for line in found
    )


def _lines(inbox: Inbox, table: str) -> list[str]:
    query = f"""select to_jsonb(t) - %s::text[] as row, {TABLES[table]} as place
      from {table} t where location_id = %s"""  # noqa: S608
    rows = inbox.rows(query, OURS.replace("\n", ""), inbox.place.id)
    return [f"{table} {row['place']} {json.dumps(row['row'], sort_keys=True)}" for row in rows]


def events(inbox: Inbox) -> dict[str, tuple[Any, ...]]:
    """What became of each delivery."""
    rows = inbox.rows(
        "select event_id, status, error_code, waits_for from private.webhook_events"
        " where strpos(event_id, %s) > 0", inbox.office.mark,
    )  # fmt: skip
    return {
        row["event_id"].replace(inbox.office.mark, "MARK"): (
            row["status"], row["error_code"], row["waits_for"],
        )
        for row in rows
    }  # fmt: skip
