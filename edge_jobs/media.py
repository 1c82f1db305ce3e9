"""Media: one job fetches one file at once, for the vendor's address of it soon expires.

A job may be killed at any line. place_media decides once where bytes belong, so that whoever comes
after finds what is there, and the same picture sent twice lies in one place. Nothing is deleted.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import structlog

from app.errors import AppError
from app.media import films, kinds, pictures, scanning
from app.media.fetching import Fetched, Fetcher, Gone, NotNow, Refused
from app.media.kinds import Kind
from edge_jobs import media_addresses, runtime

log = structlog.get_logger(__name__)

BUCKET = "media"
CHUNK_BYTES = 1 << 18
# The project's limits are smaller than the bucket's.
NEVER_TAKEN = ("payload_too_large", "unsupported_media_type")
Facts = dict[str, Any]


@dataclass(frozen=True)
class Held:
    """A row of `media` that is ours for three minutes; `row` as claim_media gives it."""

    row: dict[str, Any]
    lease: str

    def rpc(self, name: str, **more: Any) -> Any:
        return runtime.rpc(name, p_media=self.row["id"], p_lease=self.lease, **more)


def fetch_media(media_id: str) -> str:
    """Returns "stored", "waiting" (tried again later), "failed", or "nothing" when not ours."""
    lease = str(uuid.uuid4())
    row = runtime.rpc("claim_media", p_media=media_id, p_lease=lease)
    if not row:
        return "nothing"
    held = Held(row, lease)
    try:
        return _fetch(held)
    except (Refused, Gone, pictures.Bomb) as error:
        return _fail(held, str(error), "final")
    except NotNow as error:
        return _fail(held, str(error), "again", error.retry_after_s)
    except AppError as error:
        return _let_go(held, error)


def _fail(held: Held, error: str, verdict: str, retry_after_s: int = 0) -> str:
    status: str = held.rpc(
        "fail_media", p_error=error, p_verdict=verdict, p_retry_after_s=retry_after_s
    )
    log.warning("media_not_fetched", media_id=held.row["id"], status=status, error=error)
    return status


def _let_go(held: Held, error: AppError) -> str:
    """Our own side is away, which spends no try; or another worker has the row."""
    if error.code == "lease_lost":
        return "nothing"
    if error.code in NEVER_TAKEN:
        return _fail(held, f"Our file store does not take it: {error.code}.", "final")
    ours_is_away = error.status >= 500 and error.code != "internal_error"
    return _fail(held, f"Interrupted: {error.code}.", "wait" if ours_is_away else "again")


def _fetch(held: Held) -> str:
    # Without a name: nothing stays behind when this process is killed.
    with TemporaryFile() as file:
        fetched = _download(held, file)
        kind, film = _look(file, fetched)
        scanning.scan(runtime.settings().media_scan_command, file)
        place = held.rpc(
            "place_media",
            p_sha256=fetched.sha256,
            p_kind=kind.kind,
            p_filename=fetched.filename,
        )
        if not place["known"]:
            facts = _facts(fetched, kind, film)
            facts |= _keep(file, place["folder"], kind, held.row["timezone"])
            held.rpc("store_media", p_facts=facts)
    log.info("media_stored", media_id=held.row["id"], known=place["known"], kind=kind.mime)
    return "stored"


def _download(held: Held, file: BinaryIO) -> Fetched:
    """An address that has expired is asked for anew, once."""
    fetcher = Fetcher(runtime.settings().openphone_api_url)
    try:
        return fetcher.fetch(held.row["source_url"], file, max_bytes=kinds.LARGEST_BYTES)
    except Gone:
        fresh = media_addresses.fresh(held.row)
        if not fresh or fresh == held.row["source_url"]:
            raise
    held.rpc("renew_media", p_url=fresh)
    file.seek(0)
    file.truncate()
    return fetcher.fetch(fresh, file, max_bytes=kinds.LARGEST_BYTES)


def _look(file: BinaryIO, fetched: Fetched) -> tuple[Kind, films.Film]:
    """What it is, and how long; raises Refused for what we do not keep."""
    file.seek(0)
    kind = kinds.kind_of(file.read(kinds.HEAD_BYTES))
    if kind is None:
        raise Refused("Files of this kind are not kept.")
    if fetched.bytes > kind.max_bytes:
        raise Refused(f"The {kind.kind} is larger than {kind.max_bytes // kinds.MB} MB.")
    if kind.kind not in ("audio", "video"):
        return kind, films.Film()
    film = films.look(file, kind.mime, kind.extension)
    return (kinds.SOUNDS.get(kind, kind) if film.has_picture is False else kind), film


def _facts(fetched: Fetched, kind: Kind, film: films.Film) -> Facts:
    return {
        "kind": kind.kind,
        "mime": kind.mime,
        "declared_mime": fetched.declared_mime,
        "bytes": fetched.bytes,
        "sha256": fetched.sha256,
        "original_filename": fetched.filename,
        "duration_s": film.duration_s,
        "width": film.width,
        "height": film.height,
        "taken_at": film.taken_at.isoformat() if film.taken_at else None,
    }


def _keep(file: BinaryIO, folder: str, kind: Kind, timezone: str) -> Facts:
    """Puts the original into storage, and beside it what is made of a picture."""
    made: dict[str, bytes] = {}
    facts: Facts = {}
    if kind.kind == "photo":
        # Before the upload: a bomb is not stored.
        facts, made = _picture(file, kind, timezone)
    facts["storage_path"] = f"{folder}/original.{kind.extension}"
    file.seek(0)
    _upload(facts["storage_path"], file, kind.mime)
    for column, content in made.items():
        facts[column] = f"{folder}/{column.removesuffix('_path')}.jpg"
        with TemporaryFile() as small:
            small.write(content)
            _upload(facts[column], small, "image/jpeg")
    return facts


def _picture(file: BinaryIO, kind: Kind, timezone: str) -> tuple[Facts, dict[str, bytes]]:
    """What a picture shows, and what is made of it, by column. Raises Bomb."""
    made: dict[str, bytes] = {}
    try:
        with pictures.opened(file) as image:
            shot = pictures.shot(image, ZoneInfo(timezone))
            if kind in kinds.NEEDS_COPY:
                made["jpeg_path"] = pictures.jpeg_copy(image)
            made["thumb_path"] = pictures.thumbnail(image)
    except pictures.Unreadable:
        # Damaged, yet it is the customer's picture: the original is kept.
        return {"error": "The picture is damaged; only the original is kept."}, {}
    facts: Facts = {"width": shot.width, "height": shot.height, "lat": shot.lat, "lon": shot.lon}
    return facts | {"taken_at": shot.taken_at and shot.taken_at.isoformat()}, made


def _upload(path: str, file: BinaryIO, mime: str) -> None:
    """What lies there already is the same: whoever came before us was killed after it."""
    held = runtime.runtime()
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    try:
        held.storage.upload(
            held.config.service_role_key,
            BUCKET,
            path,
            iter(lambda: file.read(CHUNK_BYTES), b""),
            size_bytes=size,
            media_type=mime,
        )
    except AppError as error:
        if error.code != "already_exists":
            raise
