"""The job itself: what is left when something is away or one event spoils all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import redis

from app import queues, shared_counts
from app.errors import AppError, unavailable
from devstack.stack import Stack
from edge_jobs import runtime, webhooks
from edge_jobs.webhooks import apply_webhooks, ask_for_webhooks, watch_webhooks
from tests.messaging.webhooks.inbox import Inbox
from tests.worker import hang_up

NOWHERE = "http://127.0.0.1:9"
# A statement that is cancelled, as one that takes too long, is no error SQL could catch.
SPOIL = """
create function public.spoil() returns trigger language plpgsql as $$
begin
  if new.body = 'spoil' then
    raise exception using errcode = '57014', message = 'too long';
  end if;
  return new;
end $$;
create trigger spoil before insert on public.messages for each row execute function public.spoil()
"""


@pytest.fixture
def spoiling(stack: Stack) -> Iterator[None]:
    with psycopg.connect(stack.env["ADMIN_DATABASE_URL"], autocommit=True) as admin:
        admin.execute(SPOIL.encode())
        yield
        admin.execute("drop function public.spoil() cascade")


@pytest.fixture
def elsewhere(worker: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """To change this worker's settings with."""
    hang_up()
    yield monkeypatch
    hang_up()
    monkeypatch.undo()


def test_one_that_spoils_the_batch_takes_nobody_with_it(inbox: Inbox, spoiling: None) -> None:
    good = [inbox.tell.text(inbox.phone(nth), "Hello") for nth in (1, 2)]
    bad = inbox.tell.text(inbox.phone(3), "spoil")
    inbox.take_in(good[0], bad, good[1])
    assert [inbox.event(each)["status"] for each in good] == ["processed"] * 2
    event = inbox.event(bad)
    assert (event["status"], event["attempts"]) == ("received", 1)
    for _ in range(4):
        inbox.later()
        apply_webhooks()
    assert inbox.event(bad)["status"] == "dead"


@pytest.mark.parametrize("body", ["", "{", "[1]", '{"type": "message.received"}', "\ud7ff"])
def test_a_body_nobody_can_read_is_dead_with_its_reason(inbox: Inbox, body: str) -> None:
    id_ = f"bad{inbox.office.mark}"
    inbox.put_bodies([(id_, "dated", "x", body)])
    apply_webhooks()
    event = inbox.row("select * from private.webhook_events where event_id = %s", id_)
    assert (event["status"], event["error_code"]) == ("dead", "malformed")


def test_a_job_that_runs_out_of_time_rings_for_the_next(
    inbox: Inbox, redis_conn: redis.Redis
) -> None:
    redis_conn.delete("rq:queue:webhooks")
    inbox.put(inbox.tell.text(inbox.phone(), "Hello"))
    assert apply_webhooks(0.0) == {}
    assert redis_conn.llen("rq:queue:webhooks") == 1
    redis_conn.delete("rq:queue:webhooks")
    apply_webhooks()
    assert inbox.one("messages")


def test_a_database_that_is_away_loses_nothing(inbox: Inbox, elsewhere: pytest.MonkeyPatch) -> None:
    elsewhere.setenv("SUPABASE_URL", NOWHERE)
    told = inbox.tell.text(inbox.phone(), "Hello")
    inbox.put(told)
    assert apply_webhooks() == {}
    assert inbox.event(told)["status"] == "received"


def test_files_are_rung_for_once_and_their_webhooks_count_whatever_comes_of_it(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, rpc = [], runtime.rpc

    def away(name: str, **params: Any) -> Any:
        if name == "media_to_fetch":
            asked.append(name)
            raise unavailable("database_unavailable", "The database")
        return rpc(name, **params)

    monkeypatch.setattr(runtime, "rpc", away)
    monkeypatch.setattr(webhooks, "BATCH", 1)
    media = [{"url": "https://files.example.com/1.jpg", "type": "image/jpeg"}]
    inbox.put(*(inbox.tell.text(inbox.phone(nth), "Look", media=media) for nth in (1, 2)))
    assert apply_webhooks()["processed"] >= 2
    assert len(asked) == 1


def test_an_answer_of_ours_is_rung_for_at_once(inbox: Inbox, redis_conn: redis.Redis) -> None:
    redis_conn.delete("rq:queue:sends")
    now = datetime.now(UTC).isoformat()
    inbox.take_in(inbox.tell.text(inbox.phone(), "Hello", createdAt=now))
    assert redis_conn.llen("rq:queue:sends") == 0
    inbox.put(inbox.tell.text(inbox.phone(), "stop please", createdAt=now))
    assert set(apply_webhooks()) == {"processed"}
    assert redis_conn.llen("rq:queue:sends") == 1
    redis_conn.delete("rq:queue:sends")


def refusals(redis_conn: redis.Redis) -> dict[tuple[str, ...], float]:
    return shared_counts.read(redis_conn, shared_counts.WEBHOOK_REFUSALS)


def test_refusals_wait_while_the_database_is_away(
    elsewhere: pytest.MonkeyPatch, redis_conn: redis.Redis
) -> None:
    shared_counts.webhook_refused(redis_conn, "openphone", "stale", "2026-11-20")
    before = refusals(redis_conn)
    elsewhere.setenv("SUPABASE_URL", NOWHERE)
    with pytest.raises(AppError):
        watch_webhooks()
    assert refusals(redis_conn) == before


def test_refusals_wait_when_redis_goes_away_as_well(
    worker: None, redis_conn: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are taken from there only once they are kept; the first thing that failed is told."""
    shared_counts.webhook_refused(redis_conn, "openphone", "stale", "2026-11-20")
    before, rpc = refusals(redis_conn), runtime.rpc

    def both_go(name: str, **params: Any) -> Any:
        if name == "count_webhook_refusals":
            monkeypatch.setattr(runtime, "redis", lambda: nobody)
            raise unavailable("database_unavailable", "The database")
        return rpc(name, **params)

    with queues.connect("redis://127.0.0.1:9/0") as nobody:
        monkeypatch.setattr(runtime, "rpc", both_go)
        with pytest.raises(AppError):
            watch_webhooks()
    assert refusals(redis_conn) == before


def test_a_refusal_that_comes_while_others_are_kept_is_kept_next(
    worker: None, redis_conn: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_conn.delete(shared_counts.WEBHOOK_REFUSALS)
    for reason in ("stale", "wrong"):
        shared_counts.webhook_refused(redis_conn, "openphone", reason, "2026-11-20")
    rpc = runtime.rpc

    def one_more(name: str, **params: Any) -> Any:
        if name == "count_webhook_refusals":
            shared_counts.webhook_refused(redis_conn, "openphone", "stale", "2026-11-20")
        return rpc(name, **params)

    monkeypatch.setattr(runtime, "rpc", one_more)
    watch_webhooks()
    assert refusals(redis_conn) == {("2026-11-20", "openphone", "stale"): 1}


def test_a_redis_that_is_away_does_not_stop_the_report(elsewhere: pytest.MonkeyPatch) -> None:
    elsewhere.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    watch_webhooks()


def test_without_a_key_nobody_is_asked(worker: None) -> None:
    assert ask_for_webhooks() == 0
