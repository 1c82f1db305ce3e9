"""Storage as supabase-py and supabase-js see it; rights are policies on storage.objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from storage3.exceptions import StorageApiError

from devstack.processes import wait_until
from supabase import Client
from tests.devstack.conftest import NewBucket, Person
from tests.devstack.gateway_process import Gateway

MB = 1 << 20
CSV = {"content-type": "text/csv"}


def refused(action: Callable[[], Any]) -> tuple[str, str]:
    """(statusCode, error) of what supabase-py raises."""
    with pytest.raises(StorageApiError) as error:
        action()
    return str(error.value.status), error.value.code


def files_on_disk(gateway: Gateway) -> set[Path]:
    return {p for p in Path(gateway.env["STORAGE_DIR"]).rglob("*") if p.is_file()}


def test_service_key_keeps_buckets(service: Client, new_bucket: NewBucket) -> None:
    name = new_bucket(file_size_limit="2MB", allowed_mime_types=["text/csv", "image/*"])
    bucket = service.storage.get_bucket(name)
    assert (bucket.public, bucket.file_size_limit) == (False, 2_000_000)
    assert name in [b.id for b in service.storage.list_buckets()]
    service.storage.update_bucket(name, {"public": True, "file_size_limit": 10})
    assert service.storage.get_bucket(name).file_size_limit == 10
    assert refused(lambda: service.storage.create_bucket(name)) == ("409", "Duplicate")
    assert refused(lambda: service.storage.get_bucket("none"))[0] == "404"


def test_bucket_with_objects_is_not_deleted(service: Client, new_bucket: NewBucket) -> None:
    name = new_bucket()
    service.storage.from_(name).upload("a.txt", b"a")
    assert refused(lambda: service.storage.delete_bucket(name))[0] == "409"


def test_visitor_may_not_touch_buckets(visitor: Client, new_bucket: NewBucket) -> None:
    name = new_bucket()
    assert refused(lambda: visitor.storage.create_bucket("mine"))[0] == "403"
    assert visitor.storage.list_buckets() == []
    assert refused(lambda: visitor.storage.delete_bucket(name))[0] == "404"


def test_object_comes_back_as_it_went_in(service: Client, new_bucket: NewBucket) -> None:
    bucket = service.storage.from_(new_bucket())
    content = bytes(range(256)) * 5000
    answer = bucket.upload("folder/a file (1).csv", content, CSV)  # type: ignore[arg-type]
    assert answer.path == "folder/a file (1).csv"
    assert bucket.download("folder/a file (1).csv") == content
    info = bucket.info("folder/a file (1).csv")
    assert (info["size"], info["content_type"]) == (len(content), "text/csv")
    assert info["cache_control"] == "max-age=3600"
    assert bucket.exists("folder/a file (1).csv") and not bucket.exists("folder/b.csv")


def test_second_upload_needs_upsert_and_replaces_the_bytes(
    gateway: Gateway, service: Client, new_bucket: NewBucket
) -> None:
    bucket = service.storage.from_(new_bucket())
    bucket.upload("a.txt", b"first")
    before = files_on_disk(gateway)
    assert refused(lambda: bucket.upload("a.txt", b"second")) == ("409", "Duplicate")
    bucket.upload("a.txt", b"third", {"upsert": "true"})
    assert bucket.download("a.txt") == b"third"
    bucket.update("a.txt", b"fourth")
    assert bucket.download("a.txt") == b"fourth"
    assert len(files_on_disk(gateway)) == len(before)


def test_policies_decide_for_each_verb(
    service: Client,
    new_bucket: NewBucket,
    object_policy: Callable[..., None],
    sign_in: Callable[[Person], Client],
    new_person: Callable[..., Person],
) -> None:
    name, me, other = new_bucket(), new_person(), new_person()
    mine, theirs = sign_in(me).storage.from_(name), sign_in(other).storage.from_(name)
    path = f"{me.id}/a.txt"
    assert refused(lambda: mine.upload(path, b"x")) == ("403", "Unauthorized")
    object_policy("insert", name)
    mine.upload(path, b"x")
    assert refused(lambda: theirs.upload(f"{me.id}/b.txt", b"x"))[0] == "403"
    assert refused(lambda: mine.download(path)) == ("404", "not_found")
    assert mine.list(me.id) == [] and mine.remove([path]) == []
    object_policy("select", name)
    assert mine.download(path) == b"x"
    assert [entry["name"] for entry in mine.list(me.id)] == ["a.txt"]
    assert refused(lambda: theirs.download(path))[0] == "404"
    assert refused(lambda: theirs.create_signed_url(path, 60))[0] == "404"
    assert refused(lambda: mine.upload(path, b"y", {"upsert": "true"}))[0] == "403"
    object_policy("update", name)
    mine.upload(path, b"y", {"upsert": "true"})
    assert mine.download(path) == b"y" and mine.remove([path]) == []
    object_policy("delete", name)
    assert theirs.remove([path]) == []
    assert [row["name"] for row in mine.remove([path])] == [path]
    assert not service.storage.from_(name).exists(path)


def test_refused_upload_leaves_no_bytes(
    gateway: Gateway, visitor: Client, service: Client, new_bucket: NewBucket
) -> None:
    name = new_bucket(file_size_limit=1000, allowed_mime_types=["text/csv"])
    before = files_on_disk(gateway)
    bucket = service.storage.from_(name)
    assert refused(lambda: visitor.storage.from_(name).upload("a.csv", b"x", CSV))[0] == "403"  # type: ignore[arg-type]
    assert refused(lambda: bucket.upload("a.csv", b"x" * 1001, CSV)) == (  # type: ignore[arg-type]
        "413",
        "Payload too large",
    )
    assert refused(lambda: bucket.upload("a.png", b"x", {"content-type": "image/png"})) == (
        "415",
        "invalid_mime_type",
    )
    assert refused(lambda: service.storage.from_("none").upload("a.csv", b"x"))[0] == "404"
    assert files_on_disk(gateway) == before
    bucket.upload("a.csv", b"x" * 1000, CSV)  # type: ignore[arg-type]


@pytest.mark.parametrize("sent", ["declared", "streamed"])
def test_size_limit_holds_for_raw_bodies(
    gateway: Gateway, new_bucket: NewBucket, sent: str
) -> None:
    name, before = new_bucket(file_size_limit=MB), files_on_disk(gateway)
    body = b"x" * (MB + 1) if sent == "declared" else (b"x" * 65536 for _ in range(40))
    answer = httpx.post(
        f"{gateway.url}/storage/v1/object/{name}/a.bin",
        content=body,
        headers={"apikey": gateway.service_key},
    )
    assert answer.json() == {
        "statusCode": "413",
        "error": "Payload too large",
        "code": "EntityTooLarge",
        "message": "The object exceeded the maximum allowed size",
    }
    assert files_on_disk(gateway) == before


@pytest.mark.parametrize(
    "path",
    [
        "a/../b",
        "%2e%2e/b",
        "a%2Fb",
        "a%2f..%2fb",
        "a//b",
        "a/",
        "a%00b",
        "./a",
        "a%5Cb",
        "..",
        "caf%C3%A9.csv",
    ],
)
def test_tricky_names_are_invalid_keys(gateway: Gateway, new_bucket: NewBucket, path: str) -> None:
    from http.client import HTTPConnection

    line = f"/storage/v1/object/{new_bucket()}/{path}"
    connection = HTTPConnection("127.0.0.1", int(gateway.env["GATEWAY_PORT"]), timeout=10)
    connection.request("POST", line, b"x", {"apikey": gateway.service_key})
    body = connection.getresponse().read().decode()
    connection.close()
    assert '"statusCode": "400"' in body and '"InvalidKey"' in body


def test_supabase_js_uploads_lists_signs_and_removes(
    gateway: Gateway, new_bucket: NewBucket, object_policy: Callable[..., None], person: Person
) -> None:
    name = new_bucket()
    for verb in ("insert", "select", "update", "delete"):
        object_policy(verb, name)
    seen = gateway.run_js(
        "storage", email=person.email, password=person.password, bucket=name, folder=person.id
    )
    assert seen["raw"] == "raw body" and seen["blob"] == "from a blob" and seen["stream"] == 300000
    assert seen["blobType"] == "text/csv" and seen["userMetadata"] == {"from": "js"}
    assert seen["names"] == ["blob file.csv", "raw.txt", "stream.bin"]
    assert seen["exists"] is True and seen["missing"] is False
    assert seen["duplicate"] == {"status": 400, "statusCode": "409"}
    assert seen["foreign"] == {"status": 400, "statusCode": "403"}
    assert seen["signed"] == "from a blob" and seen["signedMany"] == [True, False]
    assert seen["updated"] == "second" and sorted(seen["removed"]) == ["blob file.csv", "raw.txt"]


def test_upload_that_breaks_off_leaves_nothing(gateway: Gateway, new_bucket: NewBucket) -> None:
    name, before = new_bucket(), files_on_disk(gateway)

    def body() -> Iterator[bytes]:
        yield b"x" * MB
        assert wait_until(lambda: files_on_disk(gateway) != before, 10), "nothing arrived"
        raise ConnectionError("the client is gone")

    with pytest.raises(ConnectionError, match="gone"):
        httpx.post(
            f"{gateway.url}/storage/v1/object/{name}/a.bin",
            content=body(),
            headers={"apikey": gateway.service_key},
        )
    assert wait_until(lambda: files_on_disk(gateway) == before, 10)
