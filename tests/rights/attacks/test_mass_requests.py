"""What would be gained, or lost, by asking for everything at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests import people
from tests.rights.attacks.conftest import Ask
from tests.rights.records import VIEWS
from tests.rights.rows import Place, Rows
from tests.rights.statement import Line
from tests.rights.world import Actor, Maker, World


@pytest.fixture(scope="module")
def full_location(maker: Maker, rows: Rows) -> Actor:
    """The owner of a location with 201 of everything."""
    place = people.make_location(maker.db, maker.env, name="Full")
    at = Place(place.id, place.owner.id)
    tag, lists = rows.one("tags", at), rows.one("lists", at)
    for sql in (
        "insert into contacts (location_id, first_name, phone, email) select %(at)s, 'B',"
        " '+1999' || (2000000 + n), n || '@example.com' from generate_series(1, 201) n",
        "insert into notes (location_id, contact_id, body)"
        " select location_id, id, 'x' from contacts where location_id = %(at)s",
        "insert into contact_tags (location_id, contact_id, tag_id)"
        " select location_id, id, %(tag)s from contacts where location_id = %(at)s",
        "insert into tags (location_id, name)"
        " select %(at)s, 'T' || n from generate_series(1, 200) n",
        "insert into lists (location_id, name)"
        " select %(at)s, 'L' || n from generate_series(1, 200) n",
        "insert into properties (location_id, address)"
        " select %(at)s, n || ' Elm St' from generate_series(1, 201) n",
        "insert into list_members (location_id, list_id, contact_id)"
        " select location_id, %(list)s, id from contacts where location_id = %(at)s",
        "insert into property_contacts (location_id, property_id, contact_id)"
        " select location_id, (select min(id::text)::uuid from properties p"
        " where p.location_id = c.location_id), id from contacts c where location_id = %(at)s",
    ):
        rows.db.execute(sql, {"at": place.id, "tag": tag, "list": lists})
    return maker.actor("owner of a full location", place.owner)


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("limit=100000000", {}),
        ("limit=9223372036854775807&offset=0", {}),
        ("", {"Range": "0-999999999", "Range-Unit": "items"}),
        ("", {"Range": "0-"}),
        ("limit=1e9", {}),
    ],
)
def test_taking_the_whole_table_at_once(
    ask: Ask, rows: Rows, world: World, owner: Actor, query: str, headers: dict[str, str]
) -> None:
    """At most 1,000 rows an answer: many requests are seen by the rate limits and the logs."""
    rows.db.execute(
        "insert into companies (location_id, name)"
        " select %s, 'Company ' || n from generate_series(1, 1001) n",
        (world.here.id,),
    )
    answer = ask(owner, f"/companies?select=id&{query}", headers=headers)
    assert answer.status_code >= 400 or len(answer.json()) == 1000


def test_asking_for_everything_gives_ones_own_location_only(
    ask: Ask, rows: Rows, world: World, lines: list[Line]
) -> None:
    """No filter but the one that asks for what is elsewhere."""
    readable = {ln.object for ln in lines if ln.verb == "select" and ln.is_open}
    actors = [*world.members.values(), world.keys["every scope"]]
    for name in readable & {
        name for name, columns in rows.types.items() if "location_id" in columns
    }:
        rows.make(VIEWS.get(name, name), Place(world.there.id, world.colleagues[world.there.id]))
        path = f"/{name}?select=location_id&location_id=neq.{world.here.id}&limit=1"
        for actor in actors:
            if actor.role != "service_role":
                answer = ask(actor, path)
                assert answer.status_code in (401, 403) or answer.json() == [], (actor, name)
        assert len(ask(world.members["service_role"], path).json()) == 1, name


@pytest.mark.parametrize(
    ("method", "table", "body"),
    [
        ("DELETE", "notes", None),
        ("DELETE", "contact_tags", None),
        ("DELETE", "contact_phones", None),
        ("DELETE", "tags?id=not.is.null", None),
        ("DELETE", "contact_emails?or=(id.is.null,id.not.is.null)", None),
        ("PATCH", "contacts", {"deleted_at": "2026-01-01T00:00:00Z"}),
        ("PATCH", "contacts?phone=not.is.null", {"phone": None}),
        ("PATCH", "properties", {"city": "x"}),
        ("PATCH", "list_members", {"status": "removed"}),
        ("PATCH", "property_contacts", {"end_date": "2026-01-01"}),
        ("PATCH", "lists", {"status": "archived"}),
    ],
)
def test_emptying_a_location_by_a_forgotten_filter(
    ask: Ask, full_location: Actor, maker: Maker, method: str, table: str, body: Any
) -> None:
    name = table.partition("?")[0]
    state = (
        f"select md5(string_agg(t::text, '' order by t::text)), count(*) from {name} t"
        " where location_id in (select location_id from location_members where user_id = %s)"
    )
    before = maker.db.execute(state, (full_location.user,)).fetchone()
    assert before and before[1] > 200
    answer = ask(full_location, f"/{table}", method, json=body)
    assert (answer.status_code, answer.json()["message"]) == (422, "too_many_rows")
    assert maker.db.execute(state, (full_location.user,)).fetchone() == before


def test_deleting_a_tag_that_many_people_have_is_still_possible(
    ask: Ask, full_location: Actor, maker: Maker
) -> None:
    row = maker.db.execute(
        "select tag_id from contact_tags group by 1 having count(*) > 200 limit 1"
    ).fetchone()
    assert row is not None
    assert ask(full_location, f"/tags?id=eq.{row[0]}", "DELETE").status_code == 204
