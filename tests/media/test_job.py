"""One file, fetched: what is kept of it, where, and what becomes of one that cannot be had."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from PIL import Image
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from app import queues
from app.media import kinds, scanning
from app.media.fetching import NotNow
from devstack.stack import Stack
from edge_jobs.media import fetch_media
from edge_jobs.media_rings import ring_waiting_media
from tests.media import files
from tests.media.office import Office, Row
from tests.media.shop import Shop

ISO_DAY = r"\d{4}-\d\d-\d\d"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_photo_is_kept_byte_for_byte_with_a_thumbnail(office: Office, shop: Shop) -> None:
    content = files.jpeg(1600, 1200, offset=files.OFFSET, gps=files.HERE, orientation=6)
    row = office.fetch(shop.put("/IMG_7.JPG", content, headers={"Content-Type": "text/html"}))
    assert (row["status"], row["kind"], row["mime"]) == ("stored", "photo", "image/jpeg")
    assert row["declared_mime"] == "text/html" and row["original_filename"] == "IMG_7.JPG"
    assert (row["width"], row["height"]) == (1200, 1600)
    assert (row["bytes"], row["sha256"]) == (len(content), sha256(content))
    assert row["taken_at"] == datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    assert (row["lat"], row["lon"]) == (pytest.approx(42.36), pytest.approx(-71.06))
    assert office.bytes_of(row["storage_path"]) == content
    with Image.open(io.BytesIO(office.bytes_of(row["thumb_path"]))) as thumb:
        assert (thumb.format, thumb.size) == ("JPEG", (300, 400))
    assert row["jpeg_path"] is None and row["lease"] is None and row["stored_at"]


def test_the_place_is_by_location_day_conversation_and_kind(office: Office, shop: Shop) -> None:
    row = office.fetch(shop.put("/a.wav", files.sound()))
    where = rf"{office.location.id}/{ISO_DAY}/{office.conversation}/audio/{UUID}/original\.wav"
    assert re.fullmatch(where, row["storage_path"])
    assert (row["duration_s"], row["thumb_path"]) == (2.5, None)
    assert office.objects() == [row["storage_path"]]


def test_a_heic_has_a_jpeg_beside_it(office: Office, shop: Shop) -> None:
    content = files.heic(800, 600)
    row = office.fetch(shop.put("/IMG_8.HEIC", content))
    assert row["mime"] == "image/heic" and office.bytes_of(row["storage_path"]) == content
    for path, size in ((row["jpeg_path"], (800, 600)), (row["thumb_path"], (400, 300))):
        with Image.open(io.BytesIO(office.bytes_of(path))) as made:
            assert (made.format, made.size) == ("JPEG", size)
    folder = row["storage_path"].rpartition("/")[0]
    names = ["jpeg.jpg", "original.heic", "thumb.jpg"]
    assert office.objects() == [f"{folder}/{name}" for name in names]


def test_a_film_and_a_film_that_is_only_heard(office: Office, shop: Shop) -> None:
    seen = office.fetch(shop.put("/a", files.film()))
    assert (seen["kind"], seen["mime"], seen["duration_s"]) == ("video", "video/mp4", 7.5)
    assert (seen["width"], seen["height"]) == (1280, 720) and seen["taken_at"]
    heard = office.fetch(shop.put("/b", files.film(handler=b"soun")))
    assert (heard["kind"], heard["mime"], heard["width"]) == ("audio", "audio/mp4", None)


def test_the_same_bytes_lie_once_at_a_location(office: Office, shop: Shop) -> None:
    content = files.jpeg(gps=files.HERE)
    first = office.fetch(shop.put("/a.jpg", content))
    second = office.fetch(shop.put("/b.jpg", content))
    different = ("id", "message_id", "source_url", "original_filename", "stored_at")
    changing = (*different, "created_at", "updated_at", "next_try_at", "declared_mime")
    assert {key: first[key] for key in first.keys() - changing} == {
        key: second[key] for key in second.keys() - changing
    }
    assert second["original_filename"] == "b.jpg" and len(office.objects()) == 2


def test_another_location_has_its_own(
    office: Office, shop: Shop, make_location: Callable[..., Any]
) -> None:
    url = shop.put("/a.jpg", files.jpeg())
    elsewhere = Office(office.db, make_location())
    here, there = office.fetch(url), elsewhere.fetch(url)
    assert there["status"] == "stored" and here["storage_path"] != there["storage_path"]


def test_a_damaged_picture_is_kept_as_it_came(office: Office, shop: Shop) -> None:
    content = files.jpeg(1600, 900)[:4000]
    row = office.fetch(shop.put("/a.jpg", content))
    assert (row["status"], row["thumb_path"], row["width"]) == ("stored", None, None)
    assert "damaged" in row["error"] and office.bytes_of(row["storage_path"]) == content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>Please sign in</html>", "this kind"),
        (b"MZ\x90\x00" + bytes(60), "this kind"),
        (files.bomb(), "more pixels"),
        (b"%PDF-1.7" + bytes(26 * kinds.MB), "larger than 25 MB"),
    ],
    ids=["markup", "program", "bomb", "large"],
)
def test_what_we_do_not_keep_fails_at_once_and_is_told(
    office: Office, shop: Shop, content: bytes, said: str
) -> None:
    row = office.fetch(shop.put("/a.jpg", content))
    assert (row["status"], row["attempts"]) == ("failed", 1) and said in row["error"]
    assert office.objects() == []
    assert office.todos() == [("Save a picture or file of a text by hand", "open")]
    told = office.db.execute(
        "select count(*), min(kind), min(link ->> 'media_id') from notifications"
        " where location_id = %s",
        (office.location.id,),
    ).fetchone()
    assert told == (2, "media_failed", str(row["id"])), "the owner and the admin"
    assert fetch_media(str(row["id"])) == "nothing"


def test_a_busy_host_is_tried_again_eight_times_within_the_life_of_an_address(
    office: Office, shop: Shop
) -> None:
    media_id, waits = office.media(shop.put("/a", status=503)), []
    for _ in range(7):
        assert fetch_media(media_id) == "waiting"
        assert fetch_media(media_id) == "nothing", "not before its time"
        row = office.row(media_id)
        waits.append(round((row["next_try_at"] - row["updated_at"]).total_seconds()))
        office.later(media_id)
    assert waits == [10, 20, 40, 80, 160, 320, 640]
    assert fetch_media(media_id) == "failed"
    assert "503" in office.row(media_id)["error"] and shop.times("/a") == 8
    assert len(office.todos()) == 1


def test_a_host_that_names_a_time_is_left_alone_until_then(office: Office, shop: Shop) -> None:
    row = office.fetch(shop.put("/a", status=429, headers={"Retry-After": "300"}))
    assert timedelta(seconds=299) < row["next_try_at"] - row["updated_at"]


def test_an_expired_address_fails_at_once(office: Office, shop: Shop) -> None:
    row = office.fetch(shop.put("/a", status=403))
    assert (row["status"], row["attempts"]) == ("failed", 1)


def test_an_address_inside_is_never_called(office: Office, shop: Shop, stack: Stack) -> None:
    inside = (stack.env["SUPABASE_URL"], "https://169.254.169.254/latest/meta-data/")
    for url in inside:
        assert office.fetch(url)["status"] == "failed"


def test_a_person_asks_for_one_more_round(office: Office, shop: Shop, stack: Stack) -> None:
    url = shop.put("/a.jpg", status=404)
    media_id = str(office.fetch(url)["id"])
    shop.put("/a.jpg", files.jpeg())
    answer = httpx.post(
        f"{stack.env['SUPABASE_URL']}/rest/v1/rpc/retry_media",
        json={"p_media": media_id},
        headers={"apikey": stack.env["SUPABASE_ANON_KEY"], **office.location.admin.bearer},
    )
    assert answer.status_code == 204
    assert fetch_media(media_id) == "stored"
    assert [status for _, status in office.todos()] == ["done"]


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("grep -q -v virus", "stored", None),
        ("sh -c 'exit 1'", "failed", "refused"),
        ("sh -c 'exit 2'", "waiting", "ended with 2"),
        ("/no/such/scanner", "waiting", "did not run"),
        ("unbalanced 'quote", "waiting", "did not run"),
    ],
)
def test_a_scanner_has_its_say_before_anything_is_stored(
    office: Office,
    shop: Shop,
    set_up: Callable[..., None],
    command: str,
    status: str,
    said: str | None,
) -> None:
    set_up(MEDIA_SCAN_COMMAND=command)
    row = office.fetch(shop.put("/a.txt", b"no worm in here"))
    assert row["status"] == status and (said or "") in (row["error"] or "")
    assert bool(office.objects()) == (status == "stored")


def test_a_scanner_reads_all_of_a_file_and_takes_nothing_from_it(
    office: Office, shop: Shop, set_up: Callable[..., None]
) -> None:
    content = b"%PDF-1.7" + bytes(range(256)) * 2000
    for number, command in enumerate(
        (f"sh -c 'test $(wc -c) = {len(content)}'", "head -c 9", "true")
    ):
        set_up(MEDIA_SCAN_COMMAND=command)
        content = content[:-1] + bytes([number])
        row = office.fetch(shop.put("/a.pdf", content))
        assert row["status"] == "stored", row["error"]
        assert office.bytes_of(row["storage_path"]) == content


def test_a_scanner_that_hangs_is_ended() -> None:
    with pytest.raises(NotNow, match="ended with -9"):
        scanning.scan("sleep 60", io.BytesIO(bytes(1 << 20)), within_s=0.2)


def test_the_sweep_rings_for_what_waits_and_nothing_else(
    office: Office, shop: Shop, redis_conn: Redis
) -> None:
    waiting = office.media(shop.put("/a.jpg", files.jpeg()))
    # The longest of all: other tests leave some behind.
    office.db.execute("update media set next_try_at = '2000-01-01' where id = %s", (waiting,))
    later = office.media(shop.put("/b", status=503))
    fetch_media(later)
    stored = str(office.fetch(shop.put("/c.jpg", files.jpeg(20, 20)))["id"])
    now = datetime(2031, 1, 1, tzinfo=UTC) + timedelta(seconds=15 * int(waiting[:5], 16))
    ring_waiting_media(now)
    rung = Queue("media", connection=redis_conn, serializer=JSONSerializer).job_ids
    ids = {each: queues.fetch_media(each, now=now).id for each in (waiting, later, stored)}
    assert ids[waiting] in rung and not {ids[later], ids[stored]} & set(rung)


def test_the_newest_is_rung_for_before_all_others(
    office: Office, shop: Shop, redis_conn: Redis
) -> None:
    old, new = (office.media(shop.put(path, status=503)) for path in ("/a", "/b"))
    set_to = "update media set created_at = %s, next_try_at = %s where id = %s"
    office.db.execute(set_to, ("2000-01-01", "2000-01-01", old))
    office.db.execute(set_to, ("2199-01-01", "2001-01-01", new))
    now = datetime(2032, 1, 1, tzinfo=UTC) + timedelta(seconds=15 * int(new[:5], 16))
    ring_waiting_media(now)
    office.db.execute(set_to, ("2000-01-01", "2199-01-01", new))
    rung = Queue("media", connection=redis_conn, serializer=JSONSerializer).job_ids
    places = [rung.index(queues.fetch_media(each, now=now).id) for each in (new, old)]
    assert places[0] == 0 < places[1]


def test_who_looks_on_is_told_ids_and_nothing_else(
    office: Office, shop: Shop, admin_db: psycopg.Connection[Any]
) -> None:
    topic = f"location:{office.location.id}"
    row = office.fetch(shop.put("/a.jpg", files.jpeg()))
    query = "select payload from realtime.messages where topic = %s and event = 'media.updated'"
    told: list[tuple[Row]] = admin_db.execute(query, (topic,)).fetchall()
    assert [payload | {"id": None} for (payload,) in told] == [
        {
            "id": None,
            "count": 1,
            "ids": [str(row["id"])],
            "conversation_ids": [office.conversation],
        }
    ]


def test_logs_hold_no_address_that_opens_a_file(
    office: Office, shop: Shop, capfd: pytest.CaptureFixture[str], set_up: Callable[..., None]
) -> None:
    set_up()
    for path, more in (("/secret-a", {"status": 403}), ("/secret-b", {"promised": 999})):
        row = office.fetch(shop.put(path, b"x", **more) + "?signature=secret-c")
        assert "secret" not in json.dumps([row["error"], office.todos()])
    said = capfd.readouterr()
    assert "media_not_fetched" in said.out + said.err
    assert "secret" not in said.out + said.err
