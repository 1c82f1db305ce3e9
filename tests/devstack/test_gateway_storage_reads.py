"""Lists, signed and public addresses, ranges, and large files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import httpx
import jwt

from supabase import Client
from tests.devstack.conftest import NewBucket
from tests.devstack.gateway_process import Gateway

MB = 1 << 20
CSV = {"content-type": "text/csv"}


def peak_memory_kb(gateway: Gateway) -> int:
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


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
