"""Arguments for every function: such that the call succeeds for who may make it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from tests.rights.messaging_calls import MESSAGING_CALLS
from tests.rights.records import email, phone, unique
from tests.rights.rows import Body, Place, Rows
from tests.rights.world import new_id


def _upload(rows: Rows, place: Place) -> Body:
    """A file that lies where create_import looks for it."""
    made = new_id()
    path = f"{place.id}/{made}/list.csv"
    rows.insert("storage.objects", {"bucket_id": "imports", "name": path})
    return {
        "p_id": made,
        "p_location_id": place.id,
        "p_file_path": path,
        "p_filename": "list.csv",
        "p_size_bytes": 10,
        "p_sha256": "b" * 64,
        "p_list_name": unique(),
    }


def _held(rows: Rows, place: Place, **more: Any) -> Body:
    """An import that is being read, under its lease."""
    made, lease = rows.one("imports", place), new_id()
    rows.db.execute(
        "update imports set status = 'reading', lease_id = %s, total_rows = 0,"
        " lease_expires_at = now() + interval '1 minute' where id = %s",
        (lease, made),
    )
    return {"p_import": made, "p_lease": lease} | more


def _opted_out(rows: Rows, place: Place) -> Body:
    number = phone()
    rows.insert("opt_outs", {"location_id": place.id, "phone": number})
    return {"p_phone": number, "p_reason": "Asked to be texted again."}


def held(**more: Any) -> Callable[[Rows, Place], Body]:
    return lambda rows, place: _held(rows, place, **more)


def _importing(rows: Rows, place: Place) -> Body:
    made = _held(rows, place)
    rows.db.execute("update imports set status = 'importing' where id = %s", (made["p_import"],))
    return made


def _with_a_batch(rows: Rows, place: Place) -> Body:
    made = _held(rows, place)
    body = {"import_id": made["p_import"], "batch_no": 1, "location_id": place.id}
    rows.insert("import_batches", body | {"row_count": 0, "rejected_rows": 0}, ("batch_no",))
    more = {"p_header": [], "p_total_rows": 0, "p_ignored_rows": 0}
    return made | more | {"p_format": "propertyradar", "p_tier": "database"}


def _invited(rows: Rows, place: Place) -> Body:
    """The place's person has a link in his mailbox, to a location where he does not work yet."""
    elsewhere = rows.insert("locations", {"name": "New", "id": new_id(), "timezone": "UTC"})
    at = {"location_id": elsewhere["id"]}
    owner = str(rows.insert("auth.users", {"id": new_id()})["id"])
    rows.insert("location_members", at | {"user_id": owner, "role": "owner"}, ("user_id",))
    row = rows.db.execute("select email from auth.users where id = %s", (place.user,)).fetchone()
    assert row is not None
    body = {"id": new_id(), "email": row[0], "role": "technician", "created_by": owner}
    made = rows.insert("invites", at | body | {"expires_at": "2999-01-01T00:00:00Z"})
    token = secrets.token_hex(16)
    rows.db.execute(
        "update invites set token_hash = encode(sha256(%s), 'hex') where id = %s",
        (token.encode(), made["id"]),
    )
    return {"p_token": token}


def _open_invite(rows: Rows, place: Place) -> Body:
    rows.one("invites", place)
    return {}


def _waiting(rows: Rows, place: Place) -> Body:
    rows.one("imports", place)
    return {}


def _asked(rows: Rows, place: Place, **more: Any) -> Body:
    """A request of the place's person that has begun."""
    key = secrets.token_hex(32)
    rows.db.execute(
        "insert into private.idempotency_keys (user_id, key_hash, route, fingerprint)"
        " values (%s, %s, 'POST /sample', %s)",
        (place.user, key, secrets.token_hex(32)),
    )
    return {"p_key_hash": key, "p_attempt": 1} | more


def _sought(rows: Rows, place: Place) -> Body:
    """Somebody who can be found by his first name."""
    name = "".join(secrets.choice("ABCDEFGHIJ") for _ in range(12)).title()
    body = {"id": new_id(), "location_id": place.id, "first_name": name}
    rows.insert("contacts", body)
    return {"p_location": place.id, "p_query": name}


def _fetching(rows: Rows, place: Place, **more: Any) -> Body:
    """A file under its lease."""
    made, lease = rows.one("media", place), new_id()
    rows.db.execute(
        "update media set status = 'waiting', lease = %s,"
        " lease_until = now() + interval '1 minute' where id = %s",
        (lease, made),
    )
    return {"p_media": made, "p_lease": lease} | more


def _placed(rows: Rows, place: Place) -> Body:
    """A file that lies where it belongs."""
    made, sha256 = _fetching(rows, place), secrets.token_hex(32)
    folder = f"{place.id}/{made['p_media']}/{sha256}"
    rows.db.execute(
        "insert into private.media_files values (%s, %s, %s)", (place.id, sha256, folder)
    )
    facts = {"sha256": sha256, "storage_path": f"{folder}/original.jpg", "kind": "photo"}
    return made | {"p_facts": facts}


def _number(rows: Rows, place: Place) -> str:
    body = {"id": new_id(), "location_id": place.id, "e164": phone()}
    rows.insert("phone_numbers", body)
    return str(body["id"])


def _wrote_just_now(rows: Rows, place: Place) -> Body:
    """Who has written within the hour may be answered at any."""
    number, person, talk = _number(rows, place), phone(), new_id()
    here = {"location_id": place.id, "phone_number_id": number}
    rows.insert("conversations", here | {"id": talk, "participants": [person]})
    rows.db.execute(
        "insert into messages (location_id, conversation_id, phone_number_id, direction,"
        " from_phone, to_phone, to_phones, status, source, occurred_at) select %s, %s, id,"
        " 'incoming', %s, e164, array[e164], 'received', 'vendor', now() from phone_numbers"
        " where id = %s",
        (place.id, talk, person, number),
    )
    return {"p_conversation": talk, "p_body": "Hello"}


def _placed_text(rows: Rows, place: Place, state: str, **more: Any) -> Body:
    """A text under its lease, in that state; its call was begun where that is so."""
    made, lease = new_id(), new_id()
    rows.db.execute(
        "select private.place_text(%s, %s, 'confirmation', array[%s], 'Hello', p_id => %s)",
        (place.id, _number(rows, place), phone(), made),
    )
    rows.db.execute(
        "update outbound set state = %s, lease = %s, lease_until = now() + interval '1 minute',"
        " call_started_at = now() where id = %s",
        (state, lease, made),
    )
    return {"p_outbound": made} | ({"p_lease": lease} if more.pop("leased", True) else {}) | more


def _due_text(rows: Rows, place: Place) -> Body:
    made = _placed_text(rows, place, "unconfirmed")["p_outbound"]
    rows.db.execute("update outbound set next_poll_at = now() where id = %s", (made,))
    return {}


def _unfetched(rows: Rows, place: Place, status: str) -> Body:
    made = rows.one("media", place)
    rows.db.execute(
        "update media set status = %s, next_try_at = now() where id = %s", (status, made)
    )
    return {"p_media": made}


def _some_unfetched(rows: Rows, place: Place) -> Body:
    _unfetched(rows, place, "waiting")
    return {}


def _steered(rows: Rows, place: Place, status: str = "waiting") -> Body:
    """A run through the vendor's records, the only one at its location."""
    rows.db.execute("update sync_runs set status = 'done' where location_id = %s", (place.id,))
    made = rows.one("sync_runs", place)
    rows.db.execute(
        "update sync_runs set status = %s, next_try_at = now(), lease = null, lease_until = null"
        " where id = %s",
        (status, made),
    )
    return {"p_run": made}


def _syncing(rows: Rows, place: Place, **more: Any) -> Body:
    """A run under its lease."""
    made, lease = _steered(rows, place), new_id()
    rows.db.execute("update sync_runs set lease = %s where id = %s", (lease, made["p_run"]))
    return made | {"p_lease": lease} | more


def syncing(**more: Any) -> Callable[[Rows, Place], Body]:
    return lambda rows, place: _syncing(rows, place, **more)


def _with_a_call(rows: Rows, place: Place) -> Body:
    rows.db.execute(
        "update calls set status = 'completed' where id = %s", (rows.one("calls", place),)
    )
    return _syncing(rows, place, p_after=None)


def _startable(rows: Rows, place: Place) -> Body:
    rows.db.execute("update sync_runs set status = 'done' where location_id = %s", (place.id,))
    return {"p_location": place.id, "p_kind": "stop_scan"}


def _unchecked(rows: Rows, place: Place) -> Body:
    """A number waits to be checked."""
    rows.insert("phone_validations", {"location_id": place.id, "phone": phone()}, ("phone",))
    return {"p_lease": new_id()}


def _webhook(rows: Rows, status: str, **more: Any) -> int:
    """One that came, and what became of it."""
    body = {"provider": "openphone", "event_id": unique(), "scheme": "dated", "type": "sample"}
    made = rows.insert("private.webhook_events", body | {"body": "{}", "status": status} | more)
    return int(made["id"])


def _dead_webhook(rows: Rows, place: Place) -> Body:
    return {"p_ids": [_webhook(rows, "dead", error_code="sample")]}


def _dead_text(rows: Rows, place: Place) -> Body:
    """A text that came to a number of the place."""
    number = rows.one("phone_numbers", place)
    query = "select e164 from phone_numbers where id = %s"
    ((found,),) = rows.db.execute(query, (number,)).fetchall()
    sent = json.dumps({"data": {"object": {"from": phone(), "text": "STOP"}}})
    told = {"type": "message.received", "body": sent, "facts": [{"number": found}]}
    known_by = _webhook(rows, "dead", **told)
    return {"p_location": place.id, "p_ids": [known_by], "p_why": "Nobody asked to stop."}


def _parked_webhook(rows: Rows, place: Place) -> Body:
    _webhook(rows, "parked", waits_for=f"call:{unique()}", received_at="2026-11-20T12:00:00Z")
    return {}


def _heard(rows: Rows, place: Place) -> Body:
    text = unique()
    rows.insert("private.health_texts", {"text": text}, ("text",))
    return {"p_text": text}


def _held_number(rows: Rows, place: Place) -> Body:
    return {"p_hold": rows.one("send_holds", place), "p_decision": "release", "p_reason": "No."}


CALLS: dict[str, Callable[[Rows, Place], Body]] = MESSAGING_CALLS | {
    "abandon_request": lambda rows, place: _asked(rows, place, p_refused=True),
    "accept_invite": _invited,
    "apply_facts": lambda rows, place: {
        "p_location": place.id,
        "p_facts": [],
        "p_source": "history",
    },
    "apply_webhook_events": lambda rows, place: {"p_lease": new_id(), "p_events": []},
    "begin_export": lambda rows, place: {
        "p_kind": "import_rows",
        "p_subject": rows.one("imports", place),
    },
    "begin_import": _with_a_batch,
    "begin_request": lambda rows, place: {
        "p_key_hash": secrets.token_hex(32),
        "p_route": "POST /api/v1/imports",
        "p_fingerprint": "f" * 64,
    },
    "business_counts": lambda rows, place: {},
    "cancel_import": lambda rows, place: {"p_import": rows.one("imports", place)},
    "claim_import": lambda rows, place: {
        "p_import": rows.one("imports", place),
        "p_lease": new_id(),
    },
    "claim_webhook_events": lambda rows, place: {"p_limit": 1},
    "count_webhook_refusals": lambda rows, place: {"p_counts": []},
    "create_api_key": lambda rows, place: {
        "p_location": place.id,
        "p_name": "Program",
        "p_scopes": ["contacts:read"],
    },
    "create_import": _upload,
    "create_invite": lambda rows, place: {
        "p_location": place.id,
        "p_email": email(),
        "p_role": "technician",
    },
    "dead_texts": lambda rows, place: _dead_text(rows, place) and {"p_location": place.id},
    "dead_webhooks": lambda rows, place: _dead_webhook(rows, place) and {},
    "dismiss_texts": _dead_text,
    "fail_import": held(p_error="It fails."),
    "finish_import": _importing,
    "finish_request": lambda rows, place: _asked(
        rows, place, p_status=201, p_answer="sample", p_location=place.id
    ),
    "first_owner": lambda rows, place: {"p_email": email(), "p_location_name": "First"},
    "forget_requests": lambda rows, place: {},
    "forget_notifications": lambda rows, place: {},
    "health_heard": _heard,
    "import_batch": lambda rows, place: _importing(rows, place) | {"p_batch_no": 1, "p_rows": []},
    "import_location": lambda rows, place: {"p_location_id": place.id},
    "imports_to_ring": _waiting,
    "invites_to_send": _open_invite,
    "issue_invite": lambda rows, place: {"p_invite": rows.one("invites", place)},
    "claim_media": lambda rows, place: _unfetched(rows, place, "waiting") | {"p_lease": new_id()},
    "fail_media": lambda rows, place: _fetching(
        rows, place, p_error="It fails.", p_verdict="final"
    ),
    "media_to_fetch": _some_unfetched,
    "place_media": lambda rows, place: _fetching(
        rows, place, p_sha256=secrets.token_hex(32), p_kind="photo"
    ),
    "claim_outbound": lambda rows, place: {},
    "start_send": lambda rows, place: _placed_text(rows, place, "reserved"),
    "finish_send": lambda rows, place: _placed_text(
        rows, place, "dispatching", p_outcome="unknown"
    ),
    "reap_outbound": lambda rows, place: {},
    "outbound_to_reconcile": _due_text,
    "reconcile_send": lambda rows, place: _placed_text(
        rows, place, "unconfirmed", leased=False, p_external_ids=[]
    ),
    "settle_send": lambda rows, place: _placed_text(
        rows, place, "unconfirmed", leased=False, p_decision="sent"
    ),
    "queue_message": lambda rows, place: _wrote_just_now(rows, place) | {"p_id": new_id()},
    "preview_message": _wrote_just_now,
    "receive_webhooks": lambda rows, place: {
        "p_provider": "openphone",
        "p_events": [{"event_id": unique(), "scheme": "dated", "type": "sample", "body": "{}"}],
    },
    "renew_media": lambda rows, place: _fetching(rows, place, p_url="https://files.example.com/a"),
    "replay_webhooks": _dead_webhook,
    "resolve_hold": _held_number,
    "retry_media": lambda rows, place: _unfetched(rows, place, "failed"),
    "store_media": _placed,
    "calls_to_complete": _with_a_call,
    "cancel_sync": _steered,
    "claim_sync": lambda rows, place: _steered(rows, place) | {"p_lease": new_id()},
    "finish_sync": syncing(),
    "let_sync_go": syncing(),
    "pause_sync": _steered,
    "resume_sync": lambda rows, place: _steered(rows, place, "paused"),
    "scan_keywords": syncing(),
    "start_sync": _startable,
    "sync_step": syncing(p_facts=[], p_state={"cursor": {}, "counted": "messages"}),
    "take_numbers": syncing(p_numbers=[]),
    "begin_contact_pushes": lambda rows, place: {},
    "contacts_to_push": syncing(),
    "messaging_health": lambda rows, place: {"p_location": place.id},
    "record_push": lambda rows, place: _syncing(
        rows, place, p_contact=new_id(), p_outcome="same", p_form={}
    ),
    "watch_messaging": lambda rows, place: {},
    "vendor_work": lambda rows, place: {},
    "list_opt_outs": lambda rows, place: {"p_location": place.id},
    "list_sendability": lambda rows, place: {"p_list": rows.one("lists", place)},
    "number_checks_stopped": lambda rows, place: {"p_reason": "The key is wrong."},
    "numbers_to_check": _unchecked,
    "record_number_checks": lambda rows, place: {
        "p_lease": new_id(),
        "p_results": [{"phone": phone(), "error": "status 503"}],
    },
    "request_number_checks": lambda rows, place: {"p_location": place.id, "p_phones": [phone()]},
    "my_access": lambda rows, place: {},
    "my_settings": lambda rows, place: {"p_location": place.id},
    "opt_out_number": lambda rows, place: {
        "p_location": place.id,
        "p_phone": phone(),
        "p_channel": "phone_call",
    },
    "opt_out_report": lambda rows, place: {"p_location": place.id},
    "record_invite_sent": lambda rows, place: {"p_invite": rows.one("invites", place)},
    "release_import": held(p_error="Later."),
    "renew_import": held(),
    "resend_invite": lambda rows, place: {"p_invite": rows.one("invites", place)},
    "revoke_api_key": lambda rows, place: {"p_key": rows.one("api_keys", place)},
    "revoke_invite": lambda rows, place: {"p_invite": rows.one("invites", place)},
    "revoke_opt_out": _opted_out,
    "rotate_api_key": lambda rows, place: {"p_key": rows.one("api_keys", place)},
    "save_preference": lambda rows, place: {
        "p_location": place.id,
        "p_key": "theme",
        "p_value": "dark",
    },
    "save_setting": lambda rows, place: {
        "p_location": place.id,
        "p_key": "week_starts_on",
        "p_value": "monday",
    },
    "search_cards": _sought,
    "search_contacts": _sought,
    "set_member": lambda rows, place: {
        "p_location": place.id,
        "p_user": rows.make("location_members", place)["user_id"],
        "p_role": "marketer",
    },
    "use_api_key": lambda rows, place: {},
    "watch_webhooks": lambda rows, place: {},
    "webhooks_to_ask": _parked_webhook,
    "who_am_i": lambda rows, place: {},
}
