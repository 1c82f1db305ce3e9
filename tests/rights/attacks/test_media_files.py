"""Customers' pictures and voices: the office looks at them, nobody else, nobody changes one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from devstack.stack import Stack
from tests.rights.attacks.conftest import Household
from tests.rights.world import World, new_id

JPEG = {"Content-Type": "image/jpeg"}
PICTURE = b"\xff\xd8\xff the cellar of Ann Hiddenly"


@pytest.fixture(scope="module")
def storage(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{stack.env['SUPABASE_URL']}/storage/v1", timeout=30) as client:
        yield client


@pytest.fixture
def picture(storage: httpx.Client, stack: Stack, here: Household) -> str:
    """As a worker has put it there: its name in the bucket."""
    name = f"{here.location}/2026-11-20/{new_id()}/photo/{new_id()}/original.jpg"
    headers = {"apikey": stack.env["SUPABASE_SERVICE_ROLE_KEY"]} | JPEG
    answer = storage.post(f"/object/media/{name}", headers=headers, content=PICTURE)
    assert answer.status_code == 200, answer.text
    return name


def test_the_office_has_addresses_signed_and_reads(
    storage: httpx.Client, world: World, picture: str
) -> None:
    for role in ("owner", "admin"):
        headers = world.members[role].headers
        answer = storage.post(
            f"/object/sign/media/{picture}", headers=headers, json={"expiresIn": 60}
        )
        signed = storage.get(answer.json()["signedURL"], headers={"Range": "bytes=0-2"})
        assert (signed.status_code, signed.content) == (206, PICTURE[:3])
        assert storage.get(f"/object/media/{picture}", headers=headers).content == PICTURE


def test_nobody_else_reads_signs_lists_or_copies(
    storage: httpx.Client, world: World, picture: str, here: Household
) -> None:
    members = [world.members["marketer"], world.members["technician"]]
    for actor in (*members, *world.outsiders, *world.keys.values()):
        for path in (
            "",
            "authenticated/",
            "public/",
            "info/",
            "info/public/",
            "info/authenticated/",
        ):
            answer = storage.get(f"/object/{path}media/{picture}", headers=actor.headers)
            assert answer.is_error and b"Hiddenly" not in answer.content, actor
        sign = storage.post(
            f"/object/sign/media/{picture}", headers=actor.headers, json={"expiresIn": 60}
        )
        assert sign.is_error, actor
        for path, body in (("list", {"prefix": here.location}), ("list-v2", {"prefix": ""})):
            found = storage.post(f"/object/{path}/media", headers=actor.headers, json=body)
            assert found.is_error or here.location not in found.text, actor
            assert found.is_error or "original" not in found.text, actor
        body = {"bucketId": "media", "sourceKey": picture, "destinationKey": f"{picture}.x"}
        assert storage.post("/object/copy", headers=actor.headers, json=body).is_error, actor


def test_not_even_the_owner_adds_changes_moves_or_removes_one(
    storage: httpx.Client, world: World, picture: str, here: Household
) -> None:
    folder, other = picture.rpartition("/")[0], f"{here.location}/mine.jpg"
    for actor in (*world.members.values(), *world.outsiders, *world.keys.values()):
        if actor.role == "service_role":
            continue
        headers = actor.headers | JPEG
        for name in (picture, f"{folder}/other.jpg", other):
            for upsert in ({}, {"x-upsert": "true"}):
                path = f"/object/media/{name}"
                assert storage.post(path, headers=headers | upsert, content=b"x").is_error, actor
                signed = storage.post(
                    f"/object/upload/sign/media/{name}", headers=actor.headers | upsert, json={}
                )
                assert signed.is_error, actor
            assert storage.put(f"/object/media/{name}", headers=headers, content=b"x").is_error
        for what in ("move", "copy"):
            body = {"bucketId": "media", "sourceKey": picture, "destinationKey": other}
            assert storage.post(f"/object/{what}", headers=actor.headers, json=body).is_error
        storage.delete(f"/object/media/{picture}", headers=actor.headers)
        body = {"prefixes": [picture]}
        storage.request("DELETE", "/object/media", headers=actor.headers, json=body)
    kept = storage.get(f"/object/media/{picture}", headers=world.members["owner"].headers)
    assert kept.content == PICTURE
