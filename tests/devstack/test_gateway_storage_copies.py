"""Copies, moves, signed uploads and the second list, as supabase-py and supabase-js see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from storage3.types import CreateSignedUploadUrlOptions

from supabase import Client
from tests.devstack.conftest import NewBucket, Person
from tests.devstack.gateway_process import Gateway
from tests.devstack.test_gateway_storage import CSV, files_on_disk, refused

SignIn = Callable[[Person], Client]


def test_a_copy_has_its_own_life(gateway: Gateway, service: Client, new_bucket: NewBucket) -> None:
    name, other = new_bucket(), new_bucket()
    bucket = service.storage.from_(name)
    bucket.upload("a.csv", b"a,b", CSV)  # type: ignore[arg-type]
    assert bucket.copy("a.csv", "in/b.csv")["Key"] == f"{name}/in/b.csv"
    assert refused(lambda: bucket.copy("a.csv", "in/b.csv")) == ("409", "Duplicate")
    assert refused(lambda: bucket.copy("missing", "c.csv"))[0] == "404"
    assert refused(lambda: bucket.copy("a.csv", "../c.csv")) == ("400", "InvalidKey")
    body = {
        "bucketId": name,
        "sourceKey": "a.csv",
        "destinationKey": "x",
        "destinationBucket": other,
    }
    url, headers = f"{gateway.url}/storage/v1/object/copy", {"apikey": gateway.service_key}
    assert httpx.post(url, json=body, headers=headers).json()["Key"] == f"{other}/x"
    bucket.remove(["a.csv"])
    assert bucket.download("in/b.csv") == b"a,b" == service.storage.from_(other).download("x")
    assert bucket.info("in/b.csv")["content_type"] == "text/csv"
    again = httpx.post(
        url, json={**body, "sourceKey": "in/b.csv"}, headers={**headers, "x-upsert": "true"}
    )
    assert again.status_code == 200, "an upsert replaces what is there"


def test_a_move_keeps_the_object_and_its_bytes(
    gateway: Gateway, service: Client, new_bucket: NewBucket
) -> None:
    bucket = service.storage.from_(new_bucket())
    bucket.upload("a.txt", b"a")
    bucket.upload("b.txt", b"b")
    before, kept = files_on_disk(gateway), bucket.info("a.txt")["id"]
    assert bucket.move("a.txt", "deep/c.txt")["message"] == "Successfully moved"
    assert bucket.info("deep/c.txt")["id"] == kept and not bucket.exists("a.txt")
    assert bucket.download("deep/c.txt") == b"a"
    assert refused(lambda: bucket.move("b.txt", "deep/c.txt")) == ("409", "Duplicate")
    assert refused(lambda: bucket.move("a.txt", "d.txt"))[0] == "404"
    assert files_on_disk(gateway) == before


def test_policies_decide_who_copies_and_moves(
    service: Client,
    new_bucket: NewBucket,
    object_policy: Callable[..., None],
    sign_in: SignIn,
    person: Person,
) -> None:
    name = new_bucket()
    mine, at = sign_in(person).storage.from_(name), person.id
    service.storage.from_(name).upload(f"{at}/a.txt", b"a")
    assert refused(lambda: mine.copy(f"{at}/a.txt", f"{at}/b.txt"))[0] == "404"
    object_policy("select", name)
    assert refused(lambda: mine.copy(f"{at}/a.txt", f"{at}/b.txt"))[0] == "403"
    assert refused(lambda: mine.move(f"{at}/a.txt", f"{at}/b.txt"))[0] == "404"
    object_policy("insert", name)
    mine.copy(f"{at}/a.txt", f"{at}/b.txt")
    assert refused(lambda: mine.copy(f"{at}/a.txt", "else/b.txt"))[0] == "403"
    object_policy("update", name)
    mine.move(f"{at}/b.txt", f"{at}/c.txt")
    assert refused(lambda: mine.move(f"{at}/c.txt", "else/c.txt"))[0] == "403"
    assert mine.download(f"{at}/c.txt") == b"a"


def test_a_signed_address_takes_one_upload(
    gateway: Gateway, service: Client, new_bucket: NewBucket
) -> None:
    name = new_bucket(file_size_limit=10)
    bucket = service.storage.from_(name)
    signed = bucket.create_signed_upload_url("in/a b.txt")
    answer = bucket.upload_to_signed_url("in/a b.txt", signed["token"], b"by name", CSV)  # type: ignore[arg-type]
    assert answer.path == "in/a b.txt" and bucket.download("in/a b.txt") == b"by name"
    again = lambda: bucket.upload_to_signed_url("in/a b.txt", signed["token"], b"twice")  # noqa: E731
    assert refused(again) == ("409", "Duplicate")
    assert refused(lambda: bucket.create_signed_upload_url("in/a b.txt"))[0] == "409"
    bare = bucket.create_signed_upload_url("bare.txt")["signed_url"]
    assert httpx.put(bare, content=b"no key").json() == {"Key": f"{name}/bare.txt"}
    more = bucket.create_signed_upload_url("more.txt")["signed_url"]
    assert httpx.put(more, content=b"x" * 11).json()["statusCode"] == "413"
    token = bucket.create_signed_upload_url("c.txt")["token"]
    wrong = httpx.put(f"{gateway.url}/storage/v1/object/upload/sign/{name}/d.txt?token={token}")
    assert wrong.json()["error"] == "InvalidSignature"


@pytest.mark.parametrize("more", [{"upsert": False, "exp": 1}, {"exp": 9_999_999_999}])
def test_an_old_token_or_one_for_reading_takes_nothing(
    gateway: Gateway, new_bucket: NewBucket, more: dict[str, Any]
) -> None:
    name = new_bucket()
    claims = {"url": f"{name}/a.txt"} | more
    token = jwt.encode(claims, gateway.env["SUPABASE_JWT_SECRET"], algorithm="HS256")
    url = f"{gateway.url}/storage/v1/object/upload/sign/{name}/a.txt?token={token}"
    assert httpx.put(url, content=b"x").json()["error"] in ("InvalidJWT", "InvalidSignature")


def test_who_may_not_upload_gets_no_signed_address(
    new_bucket: NewBucket,
    object_policy: Callable[..., None],
    sign_in: SignIn,
    person: Person,
    gateway: Gateway,
) -> None:
    name = new_bucket()
    mine, path = sign_in(person).storage.from_(name), f"{person.id}/a.txt"
    assert refused(lambda: mine.create_signed_upload_url(path))[0] == "403"
    object_policy("insert", name)
    assert refused(lambda: mine.create_signed_upload_url("else/a.txt"))[0] == "403"
    token = mine.create_signed_upload_url(path)["token"]
    mine.upload_to_signed_url(path, token, b"x")
    owners = gateway.sql("select owner_id from storage.objects where bucket_id = %s", (name,))
    assert [row["owner_id"] for row in owners] == [person.id]
    object_policy("select", name)
    option = CreateSignedUploadUrlOptions(upsert="true")
    assert refused(lambda: mine.create_signed_upload_url(path, option))[0] == "403"
    object_policy("update", name)
    token = mine.create_signed_upload_url(path, option)["token"]
    mine.upload_to_signed_url(path, token, b"second")
    assert mine.download(path) == b"second"


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("column", ["name", "created_at"])
def test_the_second_list_goes_on_by_its_cursor(
    service: Client, new_bucket: NewBucket, column: str, order: str
) -> None:
    bucket = service.storage.from_(new_bucket())
    uploaded = ["a/1", "a/2", "b/1", "c.txt", "d.txt"]
    for name in uploaded:
        bucket.upload(name, b"x")

    def pages(**options: Any) -> tuple[list[str], list[str]]:
        objects: list[str] = []
        folders: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            asked = {"limit": 2, "sortBy": {"column": column, "order": order}} | options | cursor
            page = bucket.list_v2(asked)  # type: ignore[arg-type]
            assert len(page.objects) + len(page.folders) <= 2
            objects += [row.name for row in page.objects]
            folders += [row.name for row in page.folders]
            if not page.hasNext:
                return objects, folders
            cursor = {"cursor": str(page.nextCursor)}

    turned = slice(None, None, 1 if order == "asc" else -1)
    assert pages() == (uploaded[turned], [])
    assert pages(with_delimiter=True) == (["c.txt", "d.txt"][turned], ["a/", "b/"][turned])
    assert pages(prefix="a/", with_delimiter=True) == (["a/1", "a/2"][turned], [])


def test_the_second_list_refuses_what_it_cannot_read(
    service: Client, visitor: Client, new_bucket: NewBucket
) -> None:
    name = new_bucket()
    service.storage.from_(name).upload("a", b"x")
    for options in ({"cursor": "?"}, {"sortBy": {"column": "size"}}, {"limit": -1}):
        with pytest.raises(Exception, match="400|cursor|sortBy|limit"):
            service.storage.from_(name).list_v2(options)  # type: ignore[arg-type]
    assert visitor.storage.from_(name).list_v2().objects == []


@pytest.mark.parametrize(
    ("asked", "status", "part", "told"),
    [
        ("bytes=90-", 206, slice(90, 100), "bytes 90-99/100"),
        ("bytes=-5", 206, slice(95, 100), "bytes 95-99/100"),
        ("bytes=98-500", 206, slice(98, 100), "bytes 98-99/100"),
        ("bytes=100-", 416, slice(0, 0), "bytes */100"),
    ],
)
def test_a_signed_address_has_ranges_for_players(
    service: Client, new_bucket: NewBucket, asked: str, status: int, part: slice, told: str
) -> None:
    bucket, content = service.storage.from_(new_bucket()), bytes(range(100))
    bucket.upload("a.mp4", content, {"content-type": "video/mp4"})
    url = bucket.create_signed_url("a.mp4", 60)["signedUrl"]
    answer = httpx.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.headers["Content-Range"]) == (status, told)
    assert status == 416 or answer.content == content[part]
    head = httpx.head(url)
    assert (head.headers["Accept-Ranges"], head.headers["Content-Length"]) == ("bytes", "100")


def test_supabase_js_copies_moves_signs_uploads_and_lists_pages(
    gateway: Gateway, new_bucket: NewBucket, object_policy: Callable[..., None], person: Person
) -> None:
    name, other = new_bucket(), new_bucket()
    for bucket in (name, other):
        for verb in ("insert", "select", "update"):
            object_policy(verb, bucket)
    given = {"email": person.email, "password": person.password, "folder": person.id}
    seen = gateway.run_js("storage_copies", bucket=name, other=other, **given)
    assert seen["copied"] == f"{name}/{person.id}/b.txt" and seen["copyText"] == "first"
    assert seen["moved"] == "Successfully moved" and seen["movedText"] == "first"
    assert seen["elsewhere"] == "first" and seen["foreign"] == "403"
    assert seen["signedPath"] == f"{person.id}/signed.txt" and seen["signedText"] == "signed"
    assert seen["blobText"] == "from a blob" and seen["upsertText"] == "again"
    assert seen["used"] == "409"
    assert seen["pages"] == [["b.txt", "blob.txt"], ["c.txt", "signed.txt"]]
