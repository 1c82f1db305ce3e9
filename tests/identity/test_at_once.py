"""Two people, or one person twice, at the same moment: one of them comes second and is told so."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import psycopg
import pytest

from tests.identity.conftest import Enter
from tests.people import Location, Person

Db = psycopg.Connection[Any]
END = "select set_member(%s, %s, null, false)"
MAKE_KEY = "select create_api_key(%s, 'Sync', '{contacts:read}')"
INVITE = "select create_invite(%s, %s, 'marketer', %s) ->> 'id'"
ACCEPT = "select (accept_invite(%s)).role"
ISSUE = "select issue_invite(%s) ->> 'token'"


def address() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.com"


def one(db: Db, query: str, *values: Any) -> Any:
    row = db.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0]


def invited(db: Db, place: Location, email: str, token: str = "", role: str = "marketer") -> str:
    """An invitation from the owner whose link, if one is named, is out."""
    hashed = hashlib.sha256(token.encode()).hexdigest() if token else None
    return str(
        one(
            db,
            "insert into invites (location_id, email, role, token_hash, created_by)"
            " values (%s, %s, %s, %s, %s) returning id",
            *(place.id, email, role, hashed, place.owner.id),
        )
    )


def test_two_owners_who_end_each_other_leave_one(
    db: Db, enter: Enter, place: Location, other_owner: Person
) -> None:
    first, second = enter(place.owner), enter(other_owner)
    assert first.does(END, place.id, other_owner.id)
    answer = second.starts(END, place.id, place.owner.id)
    first.commit()
    assert answer.result() == "not_permitted"
    owners = "select count(*) from location_members where location_id = %s and role = 'owner'"
    assert one(db, f"{owners} and is_active", place.id) == 1


def test_a_person_who_is_sent_away_changes_nobody_meanwhile(
    db: Db, enter: Enter, place: Location
) -> None:
    owner, admin = enter(place.owner), enter(place.admin)
    owner.does(END, place.id, place.admin.id)
    answer = admin.starts(END, place.id, place.marketer.id)
    owner.commit()
    assert answer.result() == "not_permitted"


def test_nobody_waits_for_a_change_of_roles_but_another(
    db: Db, enter: Enter, place: Location
) -> None:
    """Imports, new rows and reading go on: only changes of the location itself take turns."""
    owner, admin = enter(place.owner), enter(place.admin)
    owner.does("select set_member(%s, %s, 'technician')", place.id, place.marketer.id)
    insert = "insert into lists (location_id, name) values (%s, 'Spring') returning name"
    assert admin.starts(insert, place.id).result() == "Spring"
    assert admin.starts(INVITE, place.id, address(), str(uuid.uuid4())).result()
    owner.commit()


def test_a_link_twice_at_once_by_its_person_is_one_membership(
    db: Db, enter: Enter, place: Location, make_person: Any
) -> None:
    person = make_person({})
    token = uuid.uuid4().hex
    invited(db, place, person.email, token)
    first, second = enter(person), enter(person)
    assert first.does(ACCEPT, token) == "marketer"
    answer = second.starts(ACCEPT, token)
    first.commit()
    assert answer.result() == "marketer"
    changes = "select count(*) from audit_log where actor_id = %s and table_name = %s"
    assert one(db, changes, person.id, "location_members") == 1


def test_a_link_that_is_revoked_while_it_is_accepted_is_one_or_the_other(
    db: Db, enter: Enter, place: Location, make_person: Any
) -> None:
    revoke = "select revoke_invite(%s) ->> 'id'"
    for accepted_first in (True, False):
        person, token = make_person({}), uuid.uuid4().hex
        invite = invited(db, place, person.email, token)
        guest, owner = enter(person), enter(place.owner)
        if accepted_first:
            assert guest.does(ACCEPT, token) == "marketer"
            answer = owner.starts(revoke, invite)
            guest.commit()
            assert answer.result() == "invite_ended"
        else:
            assert owner.does(revoke, invite) == invite
            answer = guest.starts(ACCEPT, token)
            owner.commit()
            assert answer.result() == "invite_not_found"


@pytest.mark.parametrize("same_id", [True, False])
def test_the_same_person_invited_twice_at_once_has_one_invitation(
    db: Db, enter: Enter, place: Location, same_id: bool
) -> None:
    email, first_id = address(), str(uuid.uuid4())
    second_id = first_id if same_id else str(uuid.uuid4())
    first, second = enter(place.owner), enter(place.owner)
    assert first.does(INVITE, place.id, email, first_id) == first_id
    answer = second.starts(INVITE, place.id, email.upper(), second_id)
    first.commit()
    assert answer.result() == (first_id if same_id else "already_invited")
    assert one(db, "select count(*) from invites where email = %s", email) == 1


def test_an_invitation_is_mailed_by_one_of_two_workers(
    db: Db, enter: Enter, place: Location
) -> None:
    invite = invited(db, place, address())
    first, second = enter(), enter()
    token = first.does(ISSUE, invite)
    answer = second.starts(ISSUE, invite)
    first.commit()
    assert answer.result() is None
    kept = one(db, "select token_hash from invites where id = %s", invite)
    assert kept == hashlib.sha256(token.encode()).hexdigest()


def test_an_invitation_that_is_revoked_meanwhile_is_not_mailed(
    db: Db, enter: Enter, place: Location
) -> None:
    invite = invited(db, place, address())
    owner, worker = enter(place.owner), enter()
    owner.does("select revoke_invite(%s)", invite)
    answer = worker.starts(ISSUE, invite)
    owner.commit()
    assert answer.result() is None


def test_a_key_renewed_twice_at_once_is_renewed_once(db: Db, enter: Enter, place: Location) -> None:
    first, second = enter(place.owner), enter(place.owner)
    key = first.does(MAKE_KEY, place.id)["id"]
    first.commit()
    new = first.does("select rotate_api_key(%s) ->> 'id'", key)
    answer = second.starts("select rotate_api_key(%s)", key)
    first.commit()
    assert answer.result() == "key_ended"
    assert str(one(db, "select rotated_to from api_keys where id = %s", key)) == new
    assert one(db, "select count(*) from api_keys where location_id = %s", place.id) == 2


def test_a_key_that_is_revoked_is_not_renewed_meanwhile(
    db: Db, enter: Enter, place: Location
) -> None:
    owner, admin = enter(place.owner), enter(place.admin)
    key = owner.does(MAKE_KEY, place.id)["id"]
    owner.commit()
    admin.does("select revoke_api_key(%s)", key)
    answer = owner.starts("select rotate_api_key(%s)", key)
    admin.commit()
    assert answer.result() == "key_ended"


def test_commands_for_the_first_owner_take_turns(db: Db, enter: Enter, place: Location) -> None:
    """The first works in a house without owners, which is put back before the second looks."""
    first, second = enter(), enter()
    first.db.execute("delete from location_members where role = 'owner'")
    assert first.does("select first_owner(%s, 'First')", address())
    answer = second.starts("select first_owner(%s, 'First')", address())
    assert not answer.done()
    first.db.rollback()
    assert answer.result() == "owner_exists"


def test_a_command_for_the_first_owner_waits_for_who_is_accepting(
    db: Db, enter: Enter, place: Location, make_person: Any
) -> None:
    """… and does not make a second location, nor a second owner."""
    person, token = make_person({}), uuid.uuid4().hex
    invite = invited(db, place, person.email, token, role="owner")
    db.execute("update invites set created_by = null where id = %s", (invite,))
    guest, command = enter(), enter()
    guest.db.execute("select 1 from invites where id = %s for update", (invite,))
    answer = command.starts("select first_owner(%s, 'First')", address())
    assert not answer.done(), "it waits for the invitation's row"
    guest.commit()
    assert answer.result() == "owner_exists"
    db.execute("delete from invites where id = %s", (invite,))


def test_rights_that_end_while_a_request_runs_end_with_it(
    db: Db, enter: Enter, place: Location
) -> None:
    """What was begun with rights is done or not done as a whole; the next is refused."""
    admin = enter(place.admin)
    write = "insert into tags (location_id, name) values (%s, %s) returning name"
    assert admin.does(write, place.id, "Warm") == "Warm"
    owner = enter(place.owner)
    owner.does(END, place.id, place.admin.id)
    owner.commit()
    refused = str(admin.does(write, place.id, "Cold"))
    assert "row-level security" in refused
    assert one(db, "select count(*) from tags where location_id = %s", place.id) == 0
