"""What a member of another location, or of too low a role, would gain by ids and by writing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rights.attacks.conftest import Ask, Household
from tests.rights.calls import CALLS
from tests.rights.records import email
from tests.rights.rows import Body, Place, Rows
from tests.rights.statement import Line
from tests.rights.world import Actor, World, new_id

# Functions that are told of somebody's row by its id, and how the id is called.
BY_ID = {
    "begin_export": "p_subject",
    "bulk_conversations": "p_ids",
    "cancel_import": "p_import",
    "cancel_sync": "p_run",
    "conversation_thread": "p_conversation",
    "finish_todos": "p_ids",
    "mark_read": "p_conversation",
    "mark_unread": "p_conversation",
    "pause_sync": "p_run",
    "person_context": "p_conversation",
    "preview_message": "p_conversation",
    "queue_message": "p_conversation",
    "remove_number": "p_number",
    "resend_invite": "p_invite",
    "resolve_hold": "p_hold",
    "resume_sync": "p_run",
    "retry_media": "p_media",
    "revoke_invite": "p_invite",
    "revoke_api_key": "p_key",
    "rotate_api_key": "p_key",
    "settle_send": "p_outbound",
}
BY_LOCATION = (
    "add_number",
    "create_api_key",
    "create_invite",
    "dead_texts",
    "dismiss_texts",
    "import_location",
    "list_inbox",
    "list_opt_outs",
    "list_todos",
    "messaging_health",
    "my_settings",
    "opt_out_number",
    "opt_out_report",
    "read_notifications",
    "request_number_checks",
    "save_setting",
    "save_preference",
    "search_cards",
    "search_contacts",
    "set_member",
    "start_sync",
    "unread_counts",
)


def place_of(world: World, household: Household) -> Place:
    return Place(household.location, world.colleagues[household.location])


@pytest.mark.parametrize("name", BY_ID)
def test_learning_that_an_id_exists_by_how_it_is_refused(
    ask: Ask, rows: Rows, world: World, stranger_owner: Actor, here: Household, name: str
) -> None:
    """The same words for what is somebody else's and for what is nobody's."""
    arguments = CALLS[name](rows, place_of(world, here))
    for actor in (stranger_owner, world.members["marketer"], world.members["technician"]):
        forbidden = ask(actor, f"/rpc/{name}", "POST", json=arguments)
        other = [new_id()] if BY_ID[name] == "p_ids" else new_id()
        unknown = ask(actor, f"/rpc/{name}", "POST", json=arguments | {BY_ID[name]: other})
        assert forbidden.status_code in (403, 404)
        assert (forbidden.status_code, forbidden.text) == (unknown.status_code, unknown.text)


@pytest.mark.parametrize("name", BY_LOCATION)
def test_learning_that_a_location_exists(
    ask: Ask, rows: Rows, world: World, stranger_owner: Actor, here: Household, name: str
) -> None:
    arguments = CALLS[name](rows, place_of(world, here))
    key = next(name for name, value in arguments.items() if value == here.location)
    forbidden = ask(stranger_owner, f"/rpc/{name}", "POST", json=arguments)
    unknown = ask(stranger_owner, f"/rpc/{name}", "POST", json=arguments | {key: new_id()})
    assert forbidden.status_code == 403
    assert (forbidden.status_code, forbidden.text) == (unknown.status_code, unknown.text)


def test_learning_who_has_opted_out(
    ask: Ask, rows: Rows, world: World, stranger_owner: Actor, here: Household
) -> None:
    """Of a number that another location may text no more: lifting it answers as for any number."""
    arguments = CALLS["revoke_opt_out"](rows, place_of(world, here))
    for actor in (stranger_owner, world.members["admin"], world.members["marketer"]):
        theirs, nobodys = (
            ask(actor, "/rpc/revoke_opt_out", "POST", json=arguments | {"p_phone": number})
            for number in (arguments["p_phone"], "+12125550188")
        )
        assert (theirs.status_code, theirs.text) == (404, nobodys.text)


def test_every_function_that_takes_an_id_is_tried(rows: Rows, lines: list[Line]) -> None:
    """The two tables above name each of them that people may call."""
    own = {"accept_invite", "create_import", "revoke_opt_out", "begin_request", "finish_request"}
    own |= {"abandon_request", "who_am_i", "my_access", "dead_webhooks", "replay_webhooks"}
    own |= {"list_sendability"}  # for the marketer too
    stated = {ln.object for ln in lines if ln.kind == "function" and ln.is_open}
    assert stated == {*BY_ID, *BY_LOCATION, *own}


@pytest.mark.parametrize(
    "table", ["contacts", "properties", "lists", "imports", "notes", "tags", "invites"]
)
def test_reading_by_an_id_that_leaked(
    ask: Ask, rows: Rows, world: World, stranger_owner: Actor, here: Household, table: str
) -> None:
    key = rows.one(table, place_of(world, here))
    for count in ("exact", "planned"):
        theirs, nobodys = (
            ask(
                stranger_owner,
                f"/{table}?select=id&id=eq.{i}",
                headers={"Prefer": f"count={count}"},
            )
            for i in (key, new_id())
        )
        assert theirs.text == nobodys.text == "[]"
        assert theirs.headers["content-range"] == nobodys.headers["content-range"]


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("contact_phones", {"contact_id": "contact"}),
        ("contact_emails", {"contact_id": "contact"}),
        ("contact_flags", {"contact_id": "contact"}),
        ("notes", {"contact_id": "contact"}),
        ("opt_outs", {"contact_id": "contact"}),
        ("consents", {"contact_id": "contact"}),
        ("list_members", {"list_id": "list", "contact_id": "contact"}),
        ("property_contacts", {"property_id": "house", "contact_id": "contact"}),
    ],
)
def test_tying_a_row_of_ones_own_to_somebody_elses(
    ask: Ask,
    rows: Rows,
    world: World,
    stranger_owner: Actor,
    here: Household,
    there: Household,
    table: str,
    names: dict[str, str],
) -> None:
    """Refused, and in the same words as an id that names nothing."""
    given = {"phone": "+12125550177", "email": email(), "flag": "negative", "body": "x"}
    body = {k: v for k, v in given.items() if k in rows.types[table]} | {
        "location_id": there.location
    }
    if table == "consents":
        body |= {"status": "express"}
    if table in ("contact_phones", "opt_outs", "consents"):
        body.pop("email", None)
    for column, what in names.items():
        own = {name: getattr(there, said) for name, said in names.items()}
        theirs, nobodys = (
            ask(stranger_owner, f"/{table}", "POST", json=_fitting(table, body) | own | {column: i})
            for i in (getattr(here, what), new_id())
        )
        assert theirs.status_code == 409, theirs.text
        assert theirs.text == nobodys.text


def _fitting(table: str, body: Body) -> Body:
    """Only what people may write there."""
    allowed = {
        "list_members": {"location_id"},
        "property_contacts": {"location_id"},
        "contact_flags": {"location_id", "flag"},
        "notes": {"location_id", "body"},
        "contact_emails": {"location_id", "email"},
        "contact_phones": {"location_id", "phone"},
        "opt_outs": {"location_id", "phone"},
        "consents": {"location_id", "phone", "status"},
    }[table]
    return {name: value for name, value in body.items() if name in allowed}


MASS = [
    {"location_id": "there"},
    {"id": "other"},
    {"created_by": "other"},
    {"edited_fields": []},
    {"created_at": "2001-01-01T00:00:00Z"},
    {"updated_at": "2001-01-01T00:00:00Z"},
    {"lifetime_value": 10**6},
    {"quickbooks_customer_id": "1"},
]


@pytest.mark.parametrize("more", MASS, ids=lambda more: next(iter(more)))
def test_assigning_columns_that_are_not_the_browsers(
    ask: Ask, rows: Rows, world: World, owner: Actor, here: Household, there: Household, more: Body
) -> None:
    ids = {"there": there.location, "other": world.here.admin.id}
    more = {k: ids.get(v, v) if isinstance(v, str) else v for k, v in more.items()}
    key = {"id": here.contact}
    before = rows.version("contacts", key)
    for method, path in (
        ("PATCH", f"/contacts?id=eq.{here.contact}"),
        ("PUT", f"/contacts?id=eq.{here.contact}"),
    ):
        for headers in ({}, {"Prefer": "missing=default,resolution=merge-duplicates"}):
            answer = ask(owner, path, method, headers=headers, json={"first_name": "X"} | more)
            assert answer.status_code in (400, 403), answer.text
    new = {"location_id": here.location, "first_name": "X"} | more
    if "id" not in more:
        columns = ",".join(new)
        for path in ("/contacts", f"/contacts?columns={columns}"):
            assert ask(owner, path, "POST", json=[new]).status_code == 403
    assert rows.version("contacts", key) == before


def test_slipping_somebody_elses_row_among_ones_own(
    ask: Ask, rows: Rows, owner: Actor, here: Household, there: Household
) -> None:
    ids = [new_id(), new_id()]
    body = [
        {"id": ids[0], "location_id": here.location, "name": ids[0]},
        {"id": ids[1], "location_id": there.location, "name": ids[1]},
    ]
    for headers in ({}, {"Prefer": "resolution=ignore-duplicates"}, {"Prefer": "tx=commit"}):
        assert ask(owner, "/lists", "POST", headers=headers, json=body).status_code == 403
    assert [rows.version("lists", {"id": i}) for i in ids] == [None, None]


def test_overwriting_somebody_elses_row_by_an_upsert(
    ask: Ask, rows: Rows, world: World, stranger_owner: Actor, here: Household, there: Household
) -> None:
    key = {"id": rows.one("tags", place_of(world, here))}
    before = rows.version("tags", key)
    body = key | {"location_id": there.location, "name": "Mine"}
    for prefer in ("merge-duplicates", "ignore-duplicates"):
        for on in ("id", "id,location_id"):
            headers = {"Prefer": f"resolution={prefer},return=representation"}
            ask(stranger_owner, f"/tags?on_conflict={on}", "POST", headers=headers, json=body)
    ask(stranger_owner, f"/tags?id=eq.{key['id']}", "PUT", json=body)
    assert rows.version("tags", key) == before


def test_giving_oneself_or_another_a_higher_role(
    ask: Ask, rows: Rows, world: World, here: Household
) -> None:
    """Neither by writing the membership nor by the functions that give roles."""
    admin, marketer = world.members["admin"], world.members["marketer"]
    for actor in (admin, marketer, world.members["technician"]):
        path = f"/location_members?user_id=eq.{actor.user}"
        assert ask(actor, path, "PATCH", json={"role": "owner"}).status_code == 403
        for user in (actor.user, world.here.owner.id, marketer.user):
            asked = {"p_location": here.location, "p_user": user, "p_role": "owner"}
            assert ask(actor, "/rpc/set_member", "POST", json=asked).status_code in (403, 409)
        for role in ("owner", "admin"):
            asked = {"p_location": here.location, "p_email": email(), "p_role": role}
            assert ask(actor, "/rpc/create_invite", "POST", json=asked).status_code == 403
        grant = {"granter": actor.role, "role": "owner"}
        assert ask(actor, "/role_grants", "POST", json=grant).status_code == 403
    asked = {"p_location": here.location, "p_user": world.here.owner.id, "p_active": False}
    assert ask(admin, "/rpc/set_member", "POST", json=asked).status_code == 403


def test_making_an_owners_invitation_ones_own(
    ask: Ask, rows: Rows, world: World, here: Household
) -> None:
    """An admin neither sends nor ends the invitation of an owner."""
    body = {"id": new_id(), "location_id": here.location, "email": email(), "role": "owner"}
    rows.insert("invites", body | {"expires_at": "2999-01-01T00:00:00Z"})
    for name in ("resend_invite", "revoke_invite"):
        asked = {"p_invite": body["id"]}
        assert ask(world.members["admin"], f"/rpc/{name}", "POST", json=asked).status_code == 403


@pytest.mark.parametrize("token", ["", None, "null", "0", "' or true --", "%", "a" * 43, "\\x"])
def test_guessing_the_token_of_an_invitation(
    ask: Ask, rows: Rows, world: World, stranger_owner: Actor, here: Household, token: Any
) -> None:
    """Also of one that was made, but whose link is not out: its hash is null."""
    rows.one("invites", place_of(world, here))
    answer = ask(stranger_owner, "/rpc/accept_invite", "POST", json={"p_token": token})
    assert (answer.status_code, answer.json()["message"]) == (404, "invite_not_found")


def test_accepting_an_invitation_that_was_sent_to_somebody_else(
    ask: Ask, rows: Rows, world: World, stranger_owner: Actor
) -> None:
    arguments = CALLS["accept_invite"](rows, Place(world.here.id, world.here.marketer.id))
    answer = ask(stranger_owner, "/rpc/accept_invite", "POST", json=arguments)
    assert answer.status_code == 403
    invited = ask(world.members["marketer"], "/rpc/accept_invite", "POST", json=arguments)
    assert invited.status_code == 200


def test_importing_a_file_of_another_location(
    ask: Ask, rows: Rows, world: World, stranger_owner: Actor, here: Household, there: Household
) -> None:
    """The worker reads the path with the key that opens everything."""
    theirs = CALLS["create_import"](rows, place_of(world, here))
    path, made = theirs["p_file_path"], theirs["p_id"]
    for file in (
        path,
        path.upper(),
        f"{there.location}/{made}/../../{path}",
        f"{there.location}/{made}/",
        f"{there.location}/%/list.csv",
        f"imports/{path}",
        f"/{path}",
    ):
        asked = theirs | {"p_location_id": there.location, "p_file_path": file}
        answer = ask(stranger_owner, "/rpc/create_import", "POST", json=asked)
        assert (answer.status_code, answer.json()["message"]) == (422, "file_missing")
