"""A call's time is the time of all of it, however much of an answer keeps coming."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.integrations.http import Vendor, VendorUnknown, session
from tests.integrations.sockets import hear, read, reply, server, write

# Each byte comes long before the deadline, the last one long after it, and then all is well.
DEADLINE_S = 0.15
BETWEEN_S = 0.01
HOST = IPv4Address("127.0.0.1")
HEAD = b"HTTP/1.1 200 OK\r\n"
PIECES = {
    "body": (HEAD + b"Content-Length: 60\r\n\r\n", b" " * 58 + b"{}"),
    "closed": (HEAD + b"Connection: close\r\n\r\n", b" " * 58 + b"{}"),
    "chunked": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        b"1\r\n \r\n" * 10 + b"2\r\n{}\r\n0\r\n\r\n",
    ),
    "headers": (HEAD + b"X-Slow: ", b"x" * 60 + b"\r\nContent-Length: 0\r\n\r\n"),
    "status": (b"", HEAD + b"X-Slow: " + b"x" * 30 + b"\r\nContent-Length: 0\r\n\r\n"),
}


@dataclass
class Tap:
    """Drips until all is out, or nobody listens any more."""

    at_once: bytes
    slowly: bytes
    url: str = ""
    is_shut: threading.Event = field(default_factory=threading.Event)
    is_empty: threading.Event = field(default_factory=threading.Event)

    def drip(self, connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(self.at_once)
            for at in range(len(self.slowly)):
                if self.is_shut.wait(BETWEEN_S):
                    return
                connection.sendall(self.slowly[at : at + 1])
            self.is_empty.set()


@contextmanager
def dripping(slow: str) -> Iterator[Tap]:
    tap = Tap(*PIECES[slow])
    with server(tap.drip) as (tap.url, _):
        try:
            yield tap
        finally:
            tap.is_shut.set()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vendor")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "vendor.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


def speaking_tls(certificate: Path) -> ssl.SSLContext:
    secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secure.load_cert_chain(certificate)
    return secure


@pytest.mark.parametrize("call", [read, write])
@pytest.mark.parametrize("slow", PIECES)
def test_a_call_whose_answer_drips_in_ends_with_its_time(
    slow: str, call: Callable[..., object]
) -> None:
    with dripping(slow) as tap:
        with pytest.raises(VendorUnknown):
            call(Vendor("v"), tap.url, timeout_s=DEADLINE_S)
        assert not tap.is_empty.is_set()


@pytest.mark.parametrize("slow", PIECES)
def test_time_ends_under_tls_too(slow: str, certificate: Path) -> None:
    tap = Tap(*PIECES[slow])
    secure = speaking_tls(certificate)
    pool = session()
    pool.verify = str(certificate)
    with server(tap.drip, secure) as (url, _):
        with pytest.raises(VendorUnknown):
            read(Vendor("v", pool=pool), url, timeout_s=DEADLINE_S)
        assert not tap.is_empty.is_set()
        tap.is_shut.set()


@pytest.mark.parametrize("slow", PIECES)
def test_an_answer_that_drips_in_and_is_there_in_time_is_good(slow: str) -> None:
    with dripping(slow) as tap:
        assert read(Vendor("v"), tap.url, timeout_s=30) in ({}, None)


def test_a_line_that_is_used_again_has_its_time_anew() -> None:
    tap = Tap(*PIECES["body"])

    def at_once_then_slowly(connection: socket.socket) -> None:
        connection.sendall(tap.at_once + tap.slowly)
        connection.recv(65536)
        tap.drip(connection)

    vendor = Vendor("v")
    with server(at_once_then_slowly) as (url, heard):
        assert read(vendor, url, timeout_s=0.5) == {}
        assert read(vendor, url, timeout_s=30) == {}
    assert len(heard) == 1


def test_a_line_through_a_proxy_that_is_opened_again_has_its_time_anew(certificate: Path) -> None:
    tap, secure = Tap(HEAD + b"X-Slow: ", b"x" * 60 + b"\r\n\r\n"), speaking_tls(certificate)

    def proxy(connection: socket.socket) -> None:
        """Plays the vendor, too, and closes the line after each of his answers."""
        if len(heard) == 1:
            connection.sendall(tap.at_once + tap.slowly)
        else:
            tap.drip(connection)
        with secure.wrap_socket(connection, True) as line:
            hear(line)
            reply(line)

    pool = session()
    pool.verify, pool.trust_env = str(certificate), False
    with server(proxy) as (url, heard):
        pool.proxies = {"https": url}
        vendor = Vendor("v", pool=pool)
        assert read(vendor, "https://127.0.0.1/things", timeout_s=0.5) == {"id": 1}
        assert read(vendor, "https://127.0.0.1/things", timeout_s=30) == {"id": 1}
    assert [each.partition(b" ")[0] for each in heard] == [b"CONNECT"] * 2
