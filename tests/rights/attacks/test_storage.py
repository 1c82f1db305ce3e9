"""What would be gained through files: lists of people, and a place for one's own."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import jwt
import pytest

from devstack.stack import Stack
from tests.rights.attacks.conftest import Household
from tests.rights.world import Actor, Maker, World, new_id, retold

CSV = {"Content-Type": "text/csv"}
SECRET = b"name,phone\nAnn Hiddenly,6175550100\n"


@pytest.fixture(scope="module")
def storage(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{stack.env['SUPABASE_URL']}/storage/v1", timeout=30) as client:
        yield client


@pytest.fixture
def file(storage: httpx.Client, owner: Actor, here: Household) -> str:
    """A file the owner has uploaded: its name in the bucket."""
    name = f"{here.location}/{new_id()}/list.csv"
    answer = storage.post(f"/object/imports/{name}", headers=owner.headers | CSV, content=SECRET)
    assert answer.status_code == 200, answer.text
    return name


@pytest.fixture
def intruders(world: World) -> list[Actor]:
    """Everybody but the owner and the admin of the file's location."""
    members = [world.members["marketer"], world.members["technician"]]
    return [*members, *world.outsiders, *world.keys.values()]


def content(storage: httpx.Client, owner: Actor, name: str) -> bytes:
    answer = storage.get(f"/object/authenticated/imports/{name}", headers=owner.headers)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_reading_a_file_of_another_location(
    storage: httpx.Client, intruders: list[Actor], file: str
) -> None:
    for actor in intruders:
        for path in (
            f"/object/imports/{file}",
            f"/object/authenticated/imports/{file}",
            f"/object/public/imports/{file}",
            f"/object/info/imports/{file}",
            f"/object/info/public/imports/{file}",
        ):
            answer = storage.get(path, headers=actor.headers)
            assert answer.status_code >= 400 and b"Hiddenly" not in answer.content, actor


def test_having_an_address_signed_for_somebody_elses_file(
    storage: httpx.Client, intruders: list[Actor], file: str
) -> None:
    for actor in intruders:
        one = storage.post(
            f"/object/sign/imports/{file}", headers=actor.headers, json={"expiresIn": 60}
        )
        assert one.status_code >= 400, actor
        body = {"expiresIn": 60, "paths": [file]}
        many = storage.post("/object/sign/imports", headers=actor.headers, json=body)
        assert many.status_code >= 400 or many.json()[0]["signedURL"] is None, actor


def test_overwriting_moving_or_removing_somebody_elses_file(
    storage: httpx.Client, owner: Actor, intruders: list[Actor], file: str
) -> None:
    mine = f"{file}.mine"
    for actor in intruders:
        headers = actor.headers | CSV
        storage.put(f"/object/imports/{file}", headers=headers, content=b"x")
        storage.post(
            f"/object/imports/{file}", headers=headers | {"x-upsert": "true"}, content=b"x"
        )
        storage.delete(f"/object/imports/{file}", headers=actor.headers)
        storage.request(
            "DELETE", "/object/imports", headers=actor.headers, json={"prefixes": [file]}
        )
        for what in ("move", "copy"):
            body = {"bucketId": "imports", "sourceKey": file, "destinationKey": mine}
            assert storage.post(f"/object/{what}", headers=actor.headers, json=body).is_error
        assert content(storage, owner, file) == SECRET, actor


def test_overwriting_even_ones_own_file(storage: httpx.Client, owner: Actor, file: str) -> None:
    """A file that was counted and imported stays what it was."""
    headers = owner.headers | CSV | {"x-upsert": "true"}
    assert storage.put(f"/object/imports/{file}", headers=headers, content=b"x").is_error
    assert storage.post(f"/object/imports/{file}", headers=headers, content=b"x").is_error
    assert content(storage, owner, file) == SECRET


def test_leaving_a_file_where_it_would_be_taken_for_the_offices(
    storage: httpx.Client, intruders: list[Actor], maker: Maker, here: Household
) -> None:
    name = f"{here.location}/{new_id()}/list.csv"
    for actor in intruders:
        for method in ("POST", "PUT"):
            headers = actor.headers | CSV
            answer = storage.request(
                method, f"/object/imports/{name}", headers=headers, content=SECRET
            )
            assert answer.status_code >= 400, actor
    found = maker.db.execute("select 1 from storage.objects where name = %s", (name,)).fetchone()
    assert found is None


@pytest.mark.parametrize(
    "name",
    [
        "{there}/{mine}/x.csv",
        "{mine}/../{there}/x.csv",
        "{mine}/..%2f{there}/x.csv",
        "{mine}/%2e%2e/{there}/x.csv",
        "{mine}%2f..%2f{there}/x.csv",
        "./{there}/x.csv",
        "%2e/{there}/x.csv",
        "/{there}/x.csv",
        "//{there}/x.csv",
        "{there}%2fx.csv",
        "{there}%00/x.csv",
        "{there}\\x.csv",
        "%255c{there}/x.csv",
        "x.csv",
        "{mine}",
        "{upper}/x.csv",
    ],
)
def test_putting_a_file_where_another_location_would_take_it(
    storage: httpx.Client, owner: Actor, maker: Maker, here: Household, there: Household, name: str
) -> None:
    before = maker.db.execute("select count(*) from storage.objects").fetchone()
    path = name.format(mine=here.location, there=there.location, upper=here.location.upper())
    url = httpx.URL(f"{storage.base_url}object/imports/{path}")
    for method in ("POST", "PUT"):
        headers = owner.headers | CSV | {"x-upsert": "true"}
        answer = storage.request(method, url, headers=headers, content=b"x")
        assert answer.status_code >= 400, answer.text
    assert maker.db.execute("select count(*) from storage.objects").fetchone() == before


@pytest.mark.parametrize(
    "prefix", ["", "/", "{here}", "{here}/", "../{here}", "%", "_", "{here}/../"]
)
def test_listing_the_folders_of_others(
    storage: httpx.Client, intruders: list[Actor], here: Household, file: str, prefix: str
) -> None:
    """`file` lies there."""
    for actor in intruders:
        body = {"prefix": prefix.format(here=here.location), "search": "", "limit": 1000}
        answer = storage.post("/object/list/imports", headers=actor.headers, json=body)
        assert answer.status_code >= 400 or here.location not in answer.text
        assert answer.status_code >= 400 or "list.csv" not in answer.text


def test_using_a_signed_address_for_another_file(
    storage: httpx.Client, owner: Actor, stack: Stack, world: World, here: Household, file: str
) -> None:
    other = f"{here.location}/{new_id()}/list.csv"
    storage.post(f"/object/imports/{other}", headers=owner.headers | CSV, content=b"other")
    signed = storage.post(
        f"/object/sign/imports/{other}", headers=owner.headers, json={"expiresIn": 60}
    ).json()["signedURL"]
    token = signed.partition("token=")[2]
    assert storage.get(signed).content == b"other"
    forged = [
        token,
        token[:-4] + "AAAA",
        "",
        jwt.encode({"url": f"imports/{file}", "exp": time.time() + 60}, "x" * 32, "HS256"),
        jwt.encode({"url": f"imports/{file}"}, None, "none"),
        world.here.owner.token,
        retold(world.here.owner.token, stack.env["SUPABASE_JWT_SECRET"], url=f"imports/{other}"),
        stack.env["SUPABASE_ANON_KEY"],
    ]
    for told in forged:
        answer = storage.get(f"/object/sign/imports/{file}", params={"token": told})
        assert answer.status_code >= 400 and b"Hiddenly" not in answer.content
    over = jwt.decode(token, options={"verify_signature": False}) | {"exp": 1}
    late = jwt.encode(over, stack.env["SUPABASE_JWT_SECRET"], "HS256")
    assert storage.get(f"/object/sign/imports/{other}", params={"token": late}).status_code >= 400


def test_opening_a_bucket_to_the_public(
    storage: httpx.Client, maker: Maker, world: World, file: str
) -> None:
    for actor in (world.members["owner"], *world.outsiders):
        storage.put("/bucket/imports", headers=actor.headers, json={"public": True})
        storage.post("/bucket", headers=actor.headers, json={"name": "mine", "public": True})
        storage.delete("/bucket/imports", headers=actor.headers)
        storage.post("/bucket/imports/empty", headers=actor.headers)
    opened = "select id from storage.buckets where (public and id = 'imports') or id = 'mine'"
    assert maker.db.execute(opened).fetchall() == []
    assert maker.db.execute("select 1 from storage.objects where name = %s", (file,)).fetchone()


def test_removing_the_file_behind_an_import(
    storage: httpx.Client, owner: Actor, maker: Maker, here: Household, file: str
) -> None:
    """The owner may take back what became nothing; what was imported stays to be looked at."""
    maker.db.execute(
        "insert into imports (location_id, list_name, file_path, filename, size_bytes, sha256)"
        " values (%s, 'Spring', %s, 'list.csv', 10, repeat('a', 64))",
        (here.location, file),
    )
    storage.delete(f"/object/imports/{file}", headers=owner.headers)
    assert content(storage, owner, file) == SECRET
