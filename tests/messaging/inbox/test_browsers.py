"""The inbox as each browser and program gets it through PostgREST."""

from __future__ import annotations

import pytest

from supabase import PostgrestAPIError
from tests.messaging.inbox.office import Office, fresh_phone, inbox


@pytest.fixture
def talk(office: Office) -> str:
    talk = office.talk(fresh_phone(), "Norma")
    office.incoming(talk, "The cellar is wet.")
    return talk


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_the_office_reads_its_inbox(office: Office, talk: str, role: str) -> None:
    [row] = inbox(office.browser(office.place.people[role]), office)
    assert row["id"] == talk
    assert (row["name"], row["last_preview"]) == ("Norma", "The cellar is wet.")
    assert (row["unread"], row["unread_count"], row["needs_reply"]) == (True, 1, True)


@pytest.mark.parametrize("role", ["marketer", "technician"])
def test_nobody_else_reads_any_of_it(office: Office, talk: str, role: str) -> None:
    client = office.browser(office.place.people[role])
    with pytest.raises(PostgrestAPIError) as refused:
        inbox(client, office)
    assert refused.value.message == "not_permitted"
    for table in ("conversations", "messages", "calls", "voicemails", "media", "outbound"):
        assert client.table(table).select("id").execute().data == []
    with pytest.raises(PostgrestAPIError) as hidden:
        client.rpc("conversation_thread", {"p_conversation": talk}).execute()
    assert hidden.value.message == "not_found"


def test_pages_hold_every_conversation_once(office: Office) -> None:
    talks = [office.talk(fresh_phone()) for _ in range(7)]
    for talk in talks:
        office.incoming(talk, "Hello.")
    client, seen, before = office.browser(office.place.owner), [], None
    while True:
        asked = {"p_location": office.place.id, "p_before": before, "p_limit": 3}
        page = client.rpc("list_inbox", asked).execute().data
        if not page:
            break
        seen += [row["id"] for row in page]
        before = {"last_at": page[-1]["last_at"], "id": page[-1]["id"]}
    assert seen == talks[::-1]


def test_a_thread_pages_by_its_own_rows(office: Office, talk: str) -> None:
    said = [office.incoming(talk, f"Line {n}.") for n in range(5)]
    client = office.browser(office.place.owner)
    first = client.rpc("conversation_thread", {"p_conversation": talk, "p_limit": 3}).execute().data
    last = {"occurred_at": first[-1]["occurred_at"], "id": first[-1]["id"]}
    asked = {"p_conversation": talk, "p_before": last, "p_limit": 3}
    second = client.rpc("conversation_thread", asked).execute().data
    assert [row["id"] for row in first + second][:5] == said[::-1]
    assert len(second) == 3


def test_a_conversation_is_sorted_by_patch(office: Office, talk: str) -> None:
    client = office.browser(office.place.owner)
    change = {"stage": "quoted", "starred": True, "assigned_to": office.place.admin.id}
    client.table("conversations").update(change).eq("id", talk).execute()
    [row] = inbox(client, office, starred=True, stages=["quoted"], assigned_to="anyone")
    assert row["assigned_to"] == office.place.admin.id
    with pytest.raises(PostgrestAPIError) as refused:
        given = {"assigned_to": office.place.technician.id}
        client.table("conversations").update(given).eq("id", talk).execute()
    assert refused.value.message == "invalid_assignee"


def test_a_wrong_filter_is_named(office: Office) -> None:
    with pytest.raises(PostgrestAPIError) as refused:
        inbox(office.browser(office.place.owner), office, stages=["sold"], colour="red")
    assert refused.value.message == "invalid_filter"
    assert "There is no filter colour." in str(refused.value.details)
    assert "stages must be a list of new_lead, quoted" in str(refused.value.details)


def test_a_program_sees_what_its_scopes_open(office: Office, talk: str) -> None:
    reader = office.program("messages:read")
    [row] = inbox(reader, office)
    assert row["name"] == row["phone"], "without contacts:read nobody has a name"
    for name, asked in {
        "mark_read": {"p_conversation": talk},
        "bulk_conversations": {"p_ids": [talk], "p_action": "star"},
        "person_context": {"p_conversation": talk},
        "list_todos": {"p_location": office.place.id},
    }.items():
        with pytest.raises(PostgrestAPIError) as refused:
            reader.rpc(name, asked).execute()
        assert refused.value.message == "scope_missing"
    with pytest.raises(PostgrestAPIError) as unsearched:
        inbox(reader, office, search="Norma")
    assert unsearched.value.message == "scope_missing"
    both = office.program("messages:write", "contacts:read")
    assert [row["name"] for row in inbox(both, office, search="Norma")] == ["Norma"]
    assert both.rpc("mark_read", {"p_conversation": talk}).execute().data is False
