"""Whom we fetch from, how much we take, and what each refusal means."""

from __future__ import annotations

import gzip
import hashlib
import io
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.media import fetching
from app.media.fetching import Fetched, Fetcher, Gone, NotNow, Refused
from tests.media.shop import Shop

PUBLIC = "93.184.216.34"


def fetch(shop: Shop, url: str, *, max_bytes: int = 1 << 20) -> tuple[Fetched, bytes]:
    into = io.BytesIO()
    return Fetcher(shop.url).fetch(url, into, max_bytes=max_bytes), into.getvalue()


def outside(url: str, *addresses: str) -> None:
    """Fetched by somebody whose vendor is elsewhere; nothing is ever called in these tests."""
    asked = lambda host, port: list(addresses or (PUBLIC,))  # noqa: E731
    Fetcher("https://api.quo.com", look_up=asked).fetch(url, io.BytesIO(), max_bytes=10)


def test_a_file_comes_byte_for_byte_with_its_hash(shop: Shop) -> None:
    content = bytes(range(256)) * 999
    headers = {"Content-Type": "Image/JPEG; charset=x"}
    fetched, got = fetch(shop, shop.put("/in/IMG_0001.jpg", content, headers=headers) + "?sig=a")
    assert got == content
    sha256 = hashlib.sha256(content).hexdigest()
    assert fetched == Fetched(len(content), sha256, "image/jpeg", "IMG_0001.jpg")


def test_nothing_of_ours_is_sent_along(shop: Shop) -> None:
    fetch(shop, shop.put("/a", b"x"))
    ((_, headers),) = shop.asked
    assert set(headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    assert headers["Host"] == shop.url.removeprefix("http://")


def test_more_than_allowed_is_not_taken(shop: Shop) -> None:
    declared = shop.put("/declared", b"x" * 2000)
    endless = shop.put("/endless", pieces=(b"x" * 1000 for _ in count()))
    for url in (declared, endless):
        with pytest.raises(Refused, match="larger than"):
            fetch(shop, url, max_bytes=1500)


def test_a_packed_answer_cannot_grow_past_the_limit(shop: Shop) -> None:
    packed = {"Content-Encoding": "gzip"}
    url = shop.put("/packed", gzip.compress(b"x" * 500_000), headers=packed)
    assert fetch(shop, url)[1] == b"x" * 500_000
    with pytest.raises(Refused, match="larger than"):
        fetch(shop, url, max_bytes=100_000)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_expired_address_is_gone(shop: Shop, status: int) -> None:
    with pytest.raises(Gone, match=str(status)):
        fetch(shop, shop.put("/a", b"expired", status=status))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_busy_host_is_asked_again(shop: Shop, status: int) -> None:
    with pytest.raises(NotNow) as told:
        fetch(shop, shop.put("/a", status=status, headers={"Retry-After": "77"}))
    assert told.value.retry_after_s == 77


def test_what_breaks_off_or_is_empty_is_tried_again(shop: Shop) -> None:
    short = shop.put("/short", b"x" * 10, promised=20)
    for url in (short, shop.put("/empty"), "http://127.0.0.1:9/nobody"):
        with pytest.raises(NotNow):
            Fetcher(url if "nobody" in url else shop.url).fetch(url, io.BytesIO(), max_bytes=99)


def test_a_drip_is_cut_after_a_while(shop: Shop) -> None:
    url = shop.put("/drip", pieces=iter([b"x" * 100_000] * 9))
    clock = count(0, 20).__next__
    with pytest.raises(NotNow, match="longer than 90 seconds"):
        Fetcher(shop.url, clock=clock).fetch(url, io.BytesIO(), max_bytes=1 << 20)


def test_redirects_are_followed_and_end(shop: Shop) -> None:
    shop.put("/b", b"there")
    first = shop.put("/a", status=302, headers={"Location": "b?x=1"})
    assert fetch(shop, first)[1] == b"there"
    loop = shop.put("/loop", status=307, headers={"Location": "/loop"})
    with pytest.raises(Refused, match="on and on"):
        fetch(shop, loop)
    assert shop.times("/loop") == 4


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:1/x", "https://127.0.0.1/x", "https://[::1]/", "file:///etc/passwd", "//"],
)
def test_a_redirect_may_not_lead_inside(shop: Shop, location: str) -> None:
    url = shop.put("/a", status=302, headers={"Location": location})
    with pytest.raises(Refused):
        fetch(shop, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example.com/a.jpg",
        "https://files.example.com:8443/a.jpg",
        "https://user:pw@files.example.com/a.jpg",
        "https://@files.example.com/a.jpg",
        "ftp://files.example.com/a.jpg",
        "file:///etc/passwd",
        "https://",
        "https://[::1",
        "https://files.example.com:99999/",
        "not an address",
        "",
    ],
)
def test_only_https_on_its_own_port_is_called(url: str) -> None:
    with pytest.raises(Refused):
        outside(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",  # noqa: S104
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
    ],
)
def test_no_private_address_is_called(address: str) -> None:
    assert not fetching.is_public(address)
    for addresses in ((address,), (PUBLIC, address)):
        with pytest.raises(Refused, match="private network"):
            outside("https://files.example.com/a.jpg", *addresses)


def test_public_addresses_are_public() -> None:
    assert fetching.is_public(PUBLIC) and fetching.is_public("2606:2800:220:1::1")


def test_a_name_that_is_not_found_is_tried_again() -> None:
    def away(host: str, port: int) -> list[str]:
        raise NotNow("The host's name was not found.")

    with pytest.raises(NotNow):
        Fetcher("https://api.quo.com", look_up=away).fetch(
            "https://files.example.com/", io.BytesIO(), max_bytes=9
        )
    with pytest.raises(NotNow):
        fetching.resolve("files.invalid", 443)


@pytest.mark.parametrize(
    ("header", "path", "expected"),
    [
        ("attachment; filename=cellar.jpg", "/x", "cellar.jpg"),
        ("attachment; filename*=UTF-8''Riss%20im%20K%C3%BCche.heic", "/x", "Riss im Küche.heic"),
        ('attachment; filename="../../etc/passwd"', "/x", "passwd"),
        ('attachment; filename="C:\\\\a\\\\b.png"', "/x", "b.png"),
        ('inline; filename="a<b>\'\\".jpg"', "/x", "a_b___.jpg"),
        ("", "/media/IMG%20(1).HEIC", "IMG (1).HEIC"),
        ("", "/media/0a1b2c", None),
        ("", "/", None),
    ],
)
def test_a_name_is_taken_without_its_way(
    shop: Shop, header: str, path: str, expected: str | None
) -> None:
    headers = {"Content-Disposition": header} if header else {}
    assert fetch(shop, shop.put(path, b"x", headers=headers))[0].filename == expected


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "files.example.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("files.example.com")]), False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    paths[0].write_bytes(made.public_bytes(pem))
    paths[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return paths


@pytest.fixture
def over_tls(certificate: tuple[Path, Path]) -> Iterator[tuple[int, list[Any]]]:
    """The port of a host that speaks TLS, and whom its callers asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    wanted: list[Any] = []
    context.sni_callback = lambda _, name, __: wanted.append(name)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(2):
                plain, _ = listening.accept()
                try:
                    with context.wrap_socket(plain, server_side=True) as caller:
                        caller.recv(4096)
                        caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsafe")
                except ssl.SSLError:
                    plain.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1], wanted
        thread.join()


def test_the_looked_up_address_is_called_and_must_show_the_hosts_certificate(
    certificate: tuple[Path, Path], over_tls: tuple[int, list[Any]]
) -> None:
    """By address, so that no second look-up can say another; the name is checked all the same."""
    port, wanted = over_tls
    asked: list[str] = []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    trusted = ssl.create_default_context(cafile=str(certificate[0]))
    for host in ("files.example.com", "other.example.com"):
        url, into = f"https://{host}:{port}", io.BytesIO()
        fetcher = Fetcher(url, look_up=look_up, tls=trusted)
        if host.startswith("files"):
            fetcher.fetch(f"{url}/a", into, max_bytes=9)
            assert into.getvalue() == b"safe"
        else:
            with pytest.raises(NotNow, match="ConnectError"):
                fetcher.fetch(f"{url}/a", into, max_bytes=9)
    assert asked == wanted == ["files.example.com", "other.example.com"]
