"""Bytes on disk, under the object's version: nothing a client says becomes a path."""

from __future__ import annotations

import asyncio
import hashlib
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from devstack.gateway.storage_errors import no_object, too_large


@dataclass(frozen=True)
class Received:
    version: str
    size: int
    etag: str


def path_of(folder: Path, version: str) -> Path:
    return folder / version[:2] / version


async def receive(folder: Path, chunks: AsyncIterator[bytes], limit: int) -> Received:
    """Writes, syncs and renames. Nothing stays on disk when it raises (too large, client gone)."""
    version = str(uuid.uuid4())
    final = path_of(folder, version)
    final.parent.mkdir(parents=True, exist_ok=True)
    draft = final.with_suffix(".part")
    try:
        size, digest = await _write(draft, chunks, limit)
        draft.rename(final)
    finally:
        draft.unlink(missing_ok=True)
    return Received(version, size, f'"{digest}"')


async def _write(draft: Path, chunks: AsyncIterator[bytes], limit: int) -> tuple[int, str]:
    size, digest = 0, hashlib.md5(usedforsecurity=False)
    with draft.open("wb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise too_large()
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
    return size, digest.hexdigest()


def link(folder: Path, version: str) -> str:
    """The same bytes under a version of their own; bytes are never changed, only discarded."""
    copy = str(uuid.uuid4())
    final = path_of(folder, copy)
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        final.hardlink_to(path_of(folder, version))
    except FileNotFoundError as error:
        raise no_object() from error
    return copy


def sweep(folder: Path) -> None:
    """What a killed process had begun to receive."""
    for draft in folder.glob("*/*.part"):
        draft.unlink(missing_ok=True)


def discard(folder: Path, version: str | None) -> None:
    if version:
        with suppress(OSError):
            path_of(folder, version).unlink()
