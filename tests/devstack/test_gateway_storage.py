"""Storage as supabase-py and supabase-js see it; rights are policies on storage.objects."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from storage3.exceptions import StorageApiError
from supabase import Client

from tests.devstack.conftest import Person
from tests.devstack.gateway_process import Gateway

MB = 1 << 20
CSV = {"content-type": "text/csv"}
OWN_FOLDER = "bucket_id = '{bucket}' and (storage.foldername(name))[1] = (select auth.uid())::text"
NewBucket = Callable[..., str]


@pytest.fixture
def new_bucket(gateway: Gateway, service: Client) -> Iterator[NewBucket]:
    made: list[str] = []

    def make(**options: Any) -> str:
        name = f"b-{uuid4().hex[:10]}"
        service.storage.create_bucket(name, options={"public": False, **options})  # type: ignore[typeddict-item]
        made.append(name)
        return name

    yield make
    for name in made:
        service.storage.empty_bucket(name)
        service.storage.delete_bucket(name)


@pytest.fixture
def policy(gateway: Gateway) -> Iterator[Callable[[str, str, str], None]]:
    """policy("select", bucket, expression) for authenticated, dropped at the end."""
    made: list[str] = []

    def make(verb: str, bucket: str, expression: str = OWN_FOLDER) -> None:
        name, rule = f"gw {uuid4().hex}", expression.format(bucket=bucket)
        clauses = {
            "insert": f"with check ({rule})",
            "update": f"using ({rule}) with check ({rule})",
        }
        gateway.sql(
            f'create policy "{name}" on storage.objects for {verb} to authenticated '
            + clauses.get(verb, f"using ({rule})")
        )
        made.append(name)

    yield make
    for name in made:
        gateway.sql(f'drop policy "{name}" on storage.objects')


def refused(action: Callable[[], Any]) -> tuple[str, str]:
    """(statusCode, error) of what supabase-py raises."""
    with pytest.raises(StorageApiError) as error:
        action()
    return str(error.value.status), error.value.code


def files_on_disk(gateway: Gateway) -> set[Path]:
    return {p for p in Path(gateway.env["STORAGE_DIR"]).rglob("*") if p.is_file()}


def peak_memory_kb(gateway: Gateway) -> int:
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


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
    policy: Callable[..., None],
    sign_in: Callable[[Person], Client],
    new_person: Callable[..., Person],
) -> None:
    name, me, other = new_bucket(), new_person(), new_person()
    mine, theirs = sign_in(me).storage.from_(name), sign_in(other).storage.from_(name)
    path = f"{me.id}/a.txt"
    assert refused(lambda: mine.upload(path, b"x")) == ("403", "Unauthorized")
    policy("insert", name)
    mine.upload(path, b"x")
    assert refused(lambda: theirs.upload(f"{me.id}/b.txt", b"x"))[0] == "403"
    assert refused(lambda: mine.download(path)) == ("404", "not_found")
    assert mine.list(me.id) == [] and mine.remove([path]) == []
    policy("select", name)
    assert mine.download(path) == b"x"
    assert [entry["name"] for entry in mine.list(me.id)] == ["a.txt"]
    assert refused(lambda: theirs.download(path))[0] == "404"
    assert refused(lambda: theirs.create_signed_url(path, 60))[0] == "404"
    assert refused(lambda: mine.upload(path, b"y", {"upsert": "true"}))[0] == "403"
    policy("update", name)
    mine.upload(path, b"y", {"upsert": "true"})
    assert mine.download(path) == b"y" and mine.remove([path]) == []
    policy("delete", name)
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


def test_lists_show_folders_pages_and_searches(service: Client, new_bucket: NewBucket) -> None:
    bucket = service.storage.from_(new_bucket())
    for name in ("b.txt", "a.txt", "in/one.txt", "in/two.txt", "in/deep/x.txt", "im/y.txt"):
        bucket.upload(name, b"x")

    def names(*given: Any) -> list[str]:
        return [entry["name"] for entry in bucket.list(*given)]

    assert names() == ["im", "in", "a.txt", "b.txt"]
    assert bucket.list()[0]["id"] is None and bucket.list()[2]["metadata"]["size"] == 1
    assert names("in") == ["deep", "one.txt", "two.txt"]
    assert names("in", {"limit": 1, "offset": 1}) == ["one.txt"]
    assert names("in", {"search": "t"}) == ["two.txt"]
    assert names("", {"sortBy": {"column": "name", "order": "desc"}}) == [
        "in",
        "im",
        "b.txt",
        "a.txt",
    ]
    assert names("", {"sortBy": {"column": "created_at", "order": "asc"}})[2:] == ["b.txt", "a.txt"]
    removed = bucket.remove(["a.txt", "in/deep/x.txt", "missing.txt"])
    assert {row["name"] for row in removed} == {"a.txt", "in/deep/x.txt"}
    assert names() == ["im", "in", "b.txt"]


def test_signed_address_opens_one_object_for_a_time(
    gateway: Gateway, service: Client, new_bucket: NewBucket
) -> None:
    name = new_bucket()
    bucket = service.storage.from_(name)
    bucket.upload("in/a file.csv", b"a,b\n1,2\n", CSV)  # type: ignore[arg-type]
    bucket.upload("other.csv", b"x", CSV)  # type: ignore[arg-type]
    url = bucket.create_signed_url("in/a file.csv", 60, {"download": "list é.csv"})["signedUrl"]
    answer = httpx.get(url)
    assert answer.content == b"a,b\n1,2\n"
    assert answer.headers["Content-Type"] == "text/csv"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=list%20")
    token = httpx.URL(url).params["token"]
    wrong = httpx.get(f"{gateway.url}/storage/v1/object/sign/{name}/other.csv?token={token}")
    assert wrong.json()["error"] == "InvalidSignature"
    gateway_time = bucket.create_signed_urls(["in/a file.csv", "missing"], 60)
    assert httpx.get(str(gateway_time[0]["signedUrl"])).status_code == 200
    assert gateway_time[1]["error"] and gateway_time[1]["signedURL"] is None


def test_expired_address_is_refused(
    gateway: Gateway, service: Client, new_bucket: NewBucket
) -> None:
    import jwt

    name = new_bucket()
    service.storage.from_(name).upload("a.txt", b"a")
    token = jwt.encode(
        {"url": f"{name}/a.txt", "exp": 1}, gateway.env["SUPABASE_JWT_SECRET"], algorithm="HS256"
    )
    late = httpx.get(f"{gateway.url}/storage/v1/object/sign/{name}/a.txt?token={token}")
    assert (late.status_code, late.json()["error"]) == (400, "InvalidJWT")


def test_public_bucket_is_read_by_everybody_and_a_private_one_is_not(
    service: Client, visitor: Client, new_bucket: NewBucket
) -> None:
    shown, hidden = new_bucket(public=True), new_bucket()
    for name in (shown, hidden):
        service.storage.from_(name).upload("a b.txt", b"a")
    urls = [visitor.storage.from_(name).get_public_url("a b.txt") for name in (shown, hidden)]
    answers = [httpx.get(url) for url in urls]
    assert answers[0].content == b"a" and answers[1].json()["statusCode"] == "404"


def test_downloads_have_ranges(service: Client, gateway: Gateway, new_bucket: NewBucket) -> None:
    name = new_bucket()
    service.storage.from_(name).upload("a.bin", bytes(range(100)))
    answer = httpx.get(
        f"{gateway.url}/storage/v1/object/authenticated/{name}/a.bin",
        headers={"apikey": gateway.service_key, "Range": "bytes=10-19"},
    )
    assert (answer.status_code, answer.content) == (206, bytes(range(10, 20)))


def test_300_mb_pass_without_growing_memory(
    gateway: Gateway, service: Client, new_bucket: NewBucket, tmp_path: Path
) -> None:
    name, size = new_bucket(), 300 * MB
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.truncate(size)
        file.write(b"head")
    service.storage.from_(name).upload("warm.bin", b"x")
    before = peak_memory_kb(gateway)
    service.storage.from_(name).upload("big.bin", big)
    digest, seen = hashlib.sha256(), 0
    url = service.storage.from_(name).create_signed_url("big.bin", 60)["signedUrl"]
    with httpx.stream("GET", url) as answer:
        for chunk in answer.iter_raw():
            seen += len(chunk)
            digest.update(chunk)
    assert seen == size and peak_memory_kb(gateway) - before < 40_000
    with big.open("rb") as file:
        assert digest.hexdigest() == hashlib.file_digest(file, "sha256").hexdigest()


def test_supabase_js_uploads_lists_signs_and_removes(
    gateway: Gateway, new_bucket: NewBucket, policy: Callable[..., None], person: Person
) -> None:
    name = new_bucket()
    for verb in ("insert", "select", "update", "delete"):
        policy(verb, name)
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
