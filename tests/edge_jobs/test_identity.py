"""Invitations are mailed: by whom, how often, and what is told when they are not."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from psycopg.rows import dict_row

from app import queues
from devstack.stack import Stack
from edge_jobs import first_owner
from edge_jobs.idempotency import forget_requests
from edge_jobs.identity import ring_waiting_invites, send_invite
from tests.edge_jobs.mailroom import Mailroom
from tests.people import Location
from tests.worker import as_worker, hang_up

CHECKOUT = Path(__file__).parents[2]
SOON_S = 20.0
Db = psycopg.Connection[Any]
Row = dict[str, Any]


@pytest.fixture
def room(stack: Stack) -> Iterator[Mailroom]:
    """This process is a worker, whose Supabase is the mailroom."""
    with (
        Mailroom(stack.env["SUPABASE_URL"]).open() as opened,
        as_worker(stack.env, SUPABASE_URL=opened.url),
    ):
        yield opened


@pytest.fixture
def team(make_location: Callable[..., Location]) -> Location:
    return make_location(name="Westcliff")


@pytest.fixture
def invite(db: Db, team: Location) -> str:
    made = db.execute(
        "insert into invites (location_id, email, role, created_by)"
        " values (%s, %s, 'marketer', %s) returning id",
        (team.id, f"{secrets.token_hex(6)}@example.com", team.owner.id),
    ).fetchone()
    assert made is not None
    return str(made[0])


def row(db: Db, invite_id: str) -> Row:
    with db.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute("select * from invites where id = %s", (invite_id,)).fetchone()
    assert found is not None
    return found


def a_while_later(db: Db, invite_id: str) -> None:
    """Whoever sends it, or waits to send it again, has had his time."""
    query = "update invites set send_after = now() - interval '1 second' where id = %s"
    db.execute(query, (invite_id,))


def test_it_is_mailed_once_with_a_link_of_ours(room: Mailroom, db: Db, invite: str) -> None:
    assert [send_invite(invite), send_invite(invite)] == ["sent", "nothing"]
    (asked,) = room.asked
    kept = row(db, invite)
    assert (asked["path"], asked["email"]) == ("/auth/v1/invite", kept["email"])
    assert asked["data"] == {"location_name": "Westcliff"}
    assert asked["link"].startswith("http://crm.test/invite?token=")
    token = asked["link"].partition("token=")[2]
    assert kept["token_hash"] == hashlib.sha256(token.encode()).hexdigest()
    assert kept["sent_at"] and kept["send_error"] is None


def test_a_known_address_is_mailed_a_sign_in(room: Mailroom, db: Db, invite: str) -> None:
    room.answers = [(422, {"code": 422, "error_code": "email_exists"})]
    assert send_invite(invite) == "sent"
    assert [asked["path"] for asked in room.asked] == ["/auth/v1/invite", "/auth/v1/otp"]
    assert room.asked[0]["link"] == room.asked[1]["link"]
    assert row(db, invite)["sent_at"]


def test_what_went_wrong_is_told_and_tried_again(room: Mailroom, db: Db, invite: str) -> None:
    room.answers = [(429, {"code": 429, "error_code": "over_email_send_rate_limit"})]
    assert send_invite(invite) == "failed"
    assert "tried again" in row(db, invite)["send_error"] and row(db, invite)["sent_at"] is None
    assert send_invite(invite) == "nothing", "not before its time"
    a_while_later(db, invite)
    assert send_invite(invite) == "sent"
    assert row(db, invite)["send_error"] is None


def test_an_invitation_that_ended_is_not_mailed(room: Mailroom, db: Db, invite: str) -> None:
    db.execute("update invites set revoked_at = now() where id = %s", (invite,))
    assert send_invite(invite) == "nothing"
    assert room.asked == []


def test_while_one_worker_sends_another_does_not(room: Mailroom, invite: str) -> None:
    others: list[str] = []
    room.meanwhile = lambda: others.append(send_invite(invite))
    assert send_invite(invite) == "sent"
    assert others == ["nothing"] and len(room.asked) == 1


def test_the_sweep_rings_for_what_waits(
    room: Mailroom, db: Db, invite: str, redis_conn: redis.Redis
) -> None:
    db.execute("update invites set sent_at = now() where sent_at is null and id <> %s", (invite,))
    later = datetime.now(UTC) + timedelta(hours=1)
    assert ring_waiting_invites(later) == 1
    assert redis_conn.exists(f"rq:job:{queues.send_invite(invite, now=later).id}")
    send_invite(invite)
    later += timedelta(seconds=queues.SWEEP_S)
    ring_waiting_invites(later)
    assert not redis_conn.exists(f"rq:job:{queues.send_invite(invite, now=later).id}")


def test_a_worker_killed_while_it_mails_is_followed_by_another(
    room: Mailroom, db: Db, invite: str
) -> None:
    """At worst there are two mails, of which the later one opens."""
    code = f"from edge_jobs.identity import send_invite; send_invite({invite!r})"
    child = subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, env=dict(os.environ))
    room.meanwhile = lambda: (child.send_signal(signal.SIGKILL), child.wait(SOON_S))
    assert child.wait(SOON_S) == -signal.SIGKILL
    assert row(db, invite)["sent_at"] is None
    assert send_invite(invite) == "nothing", "for two minutes it is the dead one's"
    a_while_later(db, invite)
    room.meanwhile = lambda: None
    assert send_invite(invite) == "sent"
    first, second = (asked["link"].partition("token=")[2] for asked in room.asked)
    assert first != second
    assert row(db, invite)["token_hash"] == hashlib.sha256(second.encode()).hexdigest()


def test_the_sweep_forgets_requests_of_yesterday(room: Mailroom, db: Db, team: Location) -> None:
    made = (
        "insert into private.idempotency_keys (user_id, key_hash, route, fingerprint, created_at)"
        " values (%s, %s, 'POST /x', repeat('a', 64), now() - %s::interval)"
    )
    for age in ("25 hours", "23 hours"):
        db.execute(made, (team.owner.id, secrets.token_hex(32), age))
    assert forget_requests() >= 1
    left = "select count(*) from private.idempotency_keys where user_id = %s"
    assert db.execute(left, (team.owner.id,)).fetchone() == (1,)


def test_the_first_owner_is_invited_by_a_command(
    room: Mailroom, invite: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stack has owners, so what SQL says to the first is played."""
    room.played = {"first_owner": invite}
    words = ["ana@example.com", "--location", "Westcliff", "--timezone", "America/Denver"]
    assert first_owner.main(words) == 0
    assert "on its way to ana@example.com" in capsys.readouterr().out
    assert len(room.asked) == 1
    assert first_owner.main(words) == 1
    assert "Another worker is sending it." in capsys.readouterr().err


def test_a_mail_that_is_not_out_is_said_so(
    room: Mailroom, invite: str, capsys: pytest.CaptureFixture[str]
) -> None:
    room.played = {"first_owner": invite}
    room.answers = [(400, {"error_code": "email_address_not_authorized"})]
    assert first_owner.main(["ana@example.com", "--location", "Westcliff"]) == 1
    said = capsys.readouterr().err
    assert "could not be sent" in said and "set up a mail server" in said


def test_a_second_first_owner_is_refused(
    room: Mailroom, team: Location, capsys: pytest.CaptureFixture[str]
) -> None:
    assert first_owner.main(["eve@example.com", "--location", "Here"]) == 1
    assert "There is an owner already." in capsys.readouterr().err
    assert room.asked == []


def test_the_command_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        first_owner.main(["eve@example.com"])
    assert stopped.value.code == 2 and "--location" in capsys.readouterr().err


def test_the_command_without_settings_names_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hang_up()
    monkeypatch.delenv("SUPABASE_SERVICE_ROLE_KEY", raising=False)
    assert first_owner.main(["eve@example.com", "--location", "Here"]) == 1
    assert "SUPABASE_SERVICE_ROLE_KEY is missing" in capsys.readouterr().err
