"""Killed at any line, twice at once, Storage or Redis away: each file ends up stored, once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from app import queues
from devstack.stack import Stack
from edge_jobs.media import fetch_media
from tests.media import files
from tests.media.office import Office
from tests.media.passage import AFTER, BEFORE, Passage
from tests.media.shop import Shop

REQUESTS = ["claim_media", "place_media", "original.heic", "jpeg.jpg", "thumb.jpg", "store_media"]
LAST = len(REQUESTS) - 1


@pytest.fixture
def passage(stack: Stack, office: Office, set_up: Callable[..., None]) -> Iterator[Passage]:
    with Passage(stack.env["SUPABASE_URL"]).open() as opened:
        set_up(SUPABASE_URL=opened.url)
        yield opened


def in_a_process(media_id: str) -> int:
    """Forked as RQ forks; the process id."""
    pid = os.fork()
    if pid == 0:
        try:
            fetch_media(media_id)
        finally:
            os._exit(0)
    return pid


def assert_stored_once(office: Office, *media_ids: str) -> None:
    rows = [office.row(media_id) for media_id in media_ids]
    assert {row["status"] for row in rows} == {"stored"}
    paths = {row[name] for row in rows for name in ("storage_path", "jpeg_path", "thumb_path")}
    assert set(office.objects()) == paths - {None}
    assert len({row["storage_path"] for row in rows}) == 1
    assert office.todos() == []


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("number", range(len(REQUESTS)))
def test_killed_at_every_request_another_one_ends_it(
    office: Office, shop: Shop, passage: Passage, number: int, when: str
) -> None:
    media_id = office.media(shop.put("/a.heic", files.heic(600, 400)))
    struck, known = threading.Event(), threading.Event()
    pids: list[int] = []

    def strike(count: int, moment: str) -> bool:
        if (count, moment) != (number, when) or struck.is_set():
            return False
        assert known.wait(20)
        os.kill(pids[0], signal.SIGKILL)
        os.waitpid(pids[0], 0)
        struck.set()
        return True

    passage.meanwhile = strike
    pids.append(in_a_process(media_id))
    known.set()
    assert struck.wait(20)
    assert passage.asked == REQUESTS[: number + 1]
    # Counts of the tries: one of the dead worker's, if it came so far, and the next one's.
    claimed, stored = (number, when) != (0, BEFORE), (number, when) == (LAST, AFTER)
    if claimed:
        assert fetch_media(media_id) == "nothing", "the dead one's lease still holds"
        office.later(media_id)
    assert fetch_media(media_id) == ("nothing" if stored else "stored")
    assert_stored_once(office, media_id)
    assert office.row(media_id)["attempts"] == 1 + (claimed and not stored)


def test_killed_while_it_downloads(office: Office, shop: Shop) -> None:
    url = shop.put("/a.jpg", files.jpeg())
    media_id, pids = office.media(url), []
    shop.shelf["/a.jpg"].before = lambda: os.kill(pids[0], signal.SIGKILL)
    pids.append(in_a_process(media_id))
    os.waitpid(pids[0], 0)
    shop.shelf["/a.jpg"].before = None
    office.later(media_id)
    assert fetch_media(media_id) == "stored"
    assert_stored_once(office, media_id)


def test_who_dies_over_it_every_time_is_told_at_the_end(office: Office, shop: Shop) -> None:
    """As when a picture takes more memory than there is."""
    media_id = office.media(shop.put("/a.jpg", files.jpeg()))
    office.db.execute("update media set attempts = 8 where id = %s", (media_id,))
    assert fetch_media(media_id) == "nothing"
    assert office.row(media_id)["status"] == "failed" and len(office.todos()) == 1


def test_two_of_the_same_bytes_at_once_lie_in_one_place(office: Office, shop: Shop) -> None:
    both = threading.Barrier(2, timeout=20)
    url = shop.put("/a.heic", files.heic(), before=both.wait)
    media_ids = [office.media(url), office.media(url)]
    with ThreadPoolExecutor(2) as workers:
        assert list(workers.map(fetch_media, media_ids)) == ["stored", "stored"]
    assert_stored_once(office, *media_ids)


def test_one_row_is_given_to_one_worker(office: Office, shop: Shop) -> None:
    media_id = office.media(shop.put("/a.jpg", files.jpeg()))
    with ThreadPoolExecutor(6) as workers:
        ended = list(workers.map(fetch_media, [media_id] * 6))
    assert sorted(ended) == ["nothing"] * 5 + ["stored"] and shop.times("/a.jpg") == 1


def test_a_frozen_worker_that_wakes_up_has_lost_its_lease(office: Office, shop: Shop) -> None:
    media_id = office.media(shop.put("/a.jpg", files.jpeg()))
    inner: list[str] = []

    def meanwhile() -> None:
        shop.shelf["/a.jpg"].before = None
        office.later(media_id)
        inner.append(fetch_media(media_id))

    shop.shelf["/a.jpg"].before = meanwhile
    assert fetch_media(media_id) == "nothing" and inner == ["stored"]
    assert_stored_once(office, media_id)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_store_that_is_away_spends_no_try(
    office: Office, shop: Shop, passage: Passage, status: int
) -> None:
    media_id = office.media(shop.put("/a.jpg", files.jpeg()))
    passage.away = {"/storage/": status}
    for _ in range(3):
        assert fetch_media(media_id) == "waiting"
        assert office.row(media_id)["attempts"] == 0
        office.later(media_id)
    passage.away = {}
    assert fetch_media(media_id) == "stored"
    assert_stored_once(office, media_id)


@pytest.mark.parametrize(
    ("status", "ends", "said"),
    [
        (413, "failed", "payload_too_large"),
        (415, "failed", "unsupported"),
        (401, "waiting", "inval"),
    ],
)
def test_a_store_that_refuses_a_file_is_not_asked_again_and_again(
    office: Office, shop: Shop, passage: Passage, status: int, ends: str, said: str
) -> None:
    """A project whose limits are smaller than the bucket's; and a key that was changed."""
    passage.away = {"/storage/": status}
    row = office.fetch(shop.put("/a.jpg", files.jpeg()))
    assert (row["status"], row["attempts"]) == (ends, 1) and said in row["error"]


def test_a_database_that_goes_away_loses_nothing(
    office: Office, shop: Shop, passage: Passage
) -> None:
    media_id = office.media(shop.put("/a.jpg", files.jpeg()))
    passage.meanwhile = lambda number, when: passage.away.update({"/": 503})
    with pytest.raises(Exception, match="database"):
        fetch_media(media_id)
    passage.meanwhile, passage.away = lambda number, when: None, {}
    office.later(media_id)
    assert fetch_media(media_id) == "stored"
    assert_stored_once(office, media_id)


def test_a_ring_that_is_lost_is_rung_again(office: Office, redis_conn: Redis) -> None:
    ring = queues.fetch_media(office.number, now=datetime.now(UTC) + timedelta(days=999))
    assert queues.ring(redis_conn, ring) and not queues.ring(redis_conn, ring)
    Job.fetch(ring.id, connection=redis_conn, serializer=JSONSerializer).delete()
    assert queues.ring(redis_conn, ring)
