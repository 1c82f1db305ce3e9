"""How a call may end: by what the vendor answers, and on real sockets by what it does not."""

from __future__ import annotations

import json
import socket
import threading

import pytest
import responses

from app.integrations import http
from app.integrations.http import Vendor, VendorBusy, VendorError, VendorRefused, VendorUnknown
from devstack import ports
from tests.integrations.conftest import Counted
from tests.integrations.sockets import URL, read, reply, server, write


def test_a_good_answer_is_its_json(
    vendor: Vendor, api: responses.RequestsMock, counted: Counted
) -> None:
    api.get(URL, json={"a": 1})
    api.post(URL, status=204)
    assert read(vendor) == {"a": 1}
    assert write(vendor) is None
    assert counted.calls == [("openphone", "get_thing", "ok"), ("openphone", "make_thing", "ok")]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 451])
def test_4xx_was_not_done(
    vendor: Vendor, api: responses.RequestsMock, counted: Counted, status: int
) -> None:
    api.post(URL, status=status, json={"code": "0206400", "message": "No +16175550142"})
    with pytest.raises(VendorRefused) as caught:
        write(vendor)
    assert (caught.value.status, caught.value.code) == (status, "0206400")
    assert caught.value.detail == "No +16175550142"
    assert "555" not in str(caught.value)
    assert caught.value.is_about_account is (status in (401, 402, 403))
    assert counted.calls == [("openphone", "make_thing", "refused")]


@pytest.mark.parametrize("body", ["<html>", "[]", "", '{"title": "Bad Request"}'])
def test_a_refusal_needs_no_code(vendor: Vendor, api: responses.RequestsMock, body: str) -> None:
    api.post(URL, status=400, body=body)
    with pytest.raises(VendorRefused) as caught:
        write(vendor)
    assert caught.value.code is None
    assert caught.value.detail == ("Bad Request" if "title" in body else "")


@pytest.mark.parametrize("status", [301, 307, 408, 500, 502, 503, 504])
def test_what_proves_nothing_is_unknown(
    vendor: Vendor, api: responses.RequestsMock, counted: Counted, status: int
) -> None:
    api.post(URL, status=status, headers={"Location": "https://elsewhere.example.com"})
    with pytest.raises(VendorUnknown):
        write(vendor)
    assert counted.calls == [("openphone", "make_thing", "unknown")]


@pytest.mark.parametrize("body", ["{", "\xff", "<html>"])
def test_an_answer_nobody_can_read_is_unknown(
    vendor: Vendor, api: responses.RequestsMock, body: str
) -> None:
    api.post(URL, status=202, body=body.encode("latin-1"))
    with pytest.raises(VendorUnknown, match="unreadable"):
        write(vendor)


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({}, http.BUSY_S),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "999999"}, http.LONGEST_BUSY_S),
        ({"Retry-After": "soon"}, http.BUSY_S),
        ({"Retry-After": "-5"}, http.BUSY_S),
        ({"Retry-After": "Sat, 21 Nov 2026 14:00:30 GMT"}, http.BUSY_S),
        (
            {
                "Retry-After": "Sat, 21 Nov 2026 14:00:30 GMT",
                "Date": "Sat, 21 Nov 2026 14:00:00 GMT",
            },
            30,
        ),
        (
            {
                "Retry-After": "Sat, 21 Nov 2026 13:00:00 GMT",
                "Date": "Sat, 21 Nov 2026 14:00:00 GMT",
            },
            0,
        ),
        (
            {"Retry-After": "Sat, 21 Nov 2026 13:00:00", "Date": "Sat, 21 Nov 2026 14:00:00 GMT"},
            http.BUSY_S,
        ),
    ],
)
def test_429_says_when_to_come_back(
    vendor: Vendor, api: responses.RequestsMock, headers: dict[str, str], expected_s: float
) -> None:
    api.post(URL, status=429, headers=headers, json={})
    with pytest.raises(VendorBusy) as caught:
        write(vendor)
    assert caught.value.retry_after_s == expected_s


def test_an_answer_without_end_is_given_up(
    vendor: Vendor, api: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LARGEST_ANSWER", 100)
    api.get(URL, body=b"x" * 101)
    with pytest.raises(VendorUnknown, match="too_large"):
        read(vendor)


def test_what_is_not_a_vendors_error_is_counted_and_let_through(
    vendor: Vendor, api: responses.RequestsMock, counted: Counted
) -> None:
    api.get(URL, body=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        read(vendor)
    assert counted.calls == [("openphone", "get_thing", "unknown")]


def test_a_line_that_nobody_counts_works_too(api: responses.RequestsMock) -> None:
    api.get(URL, json=[])
    assert read(Vendor("openphone")) == []


def test_netrc_does_not_replace_our_key(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    vendor: Vendor,
    api: responses.RequestsMock,
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine api.example.com login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    api.get(URL, json={}, match=[responses.matchers.header_matcher({"Authorization": "k"})])
    assert read(vendor) == {}


# From here on real sockets: what counts is what had left us.


def test_a_write_arrives_whole_with_its_length() -> None:
    with server(reply) as (url, heard):
        assert write(Vendor("v"), url) == {"id": 1}
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert json.loads(body) == {"text": "é"}
    assert b"content-length" in head.lower() and b"chunked" not in head.lower()


def test_nothing_of_a_write_leaves_once_it_is_too_late() -> None:
    with server(reply) as (url, heard):
        with pytest.raises(VendorBusy) as caught:
            write(Vendor("v"), url, still_valid=lambda: False)
    assert caught.value.reason == "too_late"
    assert caught.value.retry_after_s == 0
    assert all(not request.partition(b"\r\n\r\n")[2] for request in heard)


def test_the_right_to_write_is_asked_for_after_the_connection_stands() -> None:
    asked: list[int] = []
    with server(reply) as (url, heard):
        write(Vendor("v"), url, still_valid=lambda: not asked.append(len(heard)))
    assert len(asked) == 1


def test_a_connection_cut_after_the_write_is_unknown() -> None:
    with server(lambda connection: None) as (url, heard), pytest.raises(VendorUnknown):
        write(Vendor("v"), url)
    assert len(heard) == 1


def test_a_vendor_that_never_answers_is_unknown() -> None:
    done = threading.Event()
    try:
        with server(lambda _: bool(done.wait(5)) and None) as (url, heard):
            try:
                with pytest.raises(VendorUnknown):
                    write(Vendor("v"), url, timeout_s=0.2)
            finally:
                done.set()
        assert len(heard) == 1
    finally:
        done.set()


def test_an_answer_cut_in_the_middle_is_unknown() -> None:
    def half(connection: socket.socket) -> None:
        connection.sendall(b'HTTP/1.1 202 Accepted\r\nContent-Length: 80\r\n\r\n{"id"')

    with server(half) as (url, _), pytest.raises(VendorUnknown):
        write(Vendor("v"), url)


def test_nobody_at_home_proves_that_nothing_was_done() -> None:
    url = f"http://127.0.0.1:{ports.choose_free(set())}/things"
    with pytest.raises(VendorBusy):
        write(Vendor("v"), url)
    with pytest.raises(VendorError):
        read(Vendor("v"), url)


def test_each_write_has_a_connection_of_its_own() -> None:
    with server(reply) as (url, heard):
        vendor = Vendor("v")
        for _ in range(3):
            write(vendor, url)
    assert len(heard) == 3
