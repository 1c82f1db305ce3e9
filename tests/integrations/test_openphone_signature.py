from __future__ import annotations

import base64
import random

import pytest

from app.integrations.openphone_signature import (
    BadSignature,
    Keys,
    Verified,
    sign_dated,
    sign_legacy,
    verify,
)

BODY = b'{"test": 2432232314}'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DELIVERY = "msg_p5jXN8AQM9LWM0D4loKWxJek"
PUBLISHED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SENT_S = 1614265330
# Bytes above 0x7f: the vendor's own Node sample breaks on them.
LEGACY = bytes(range(200, 232))
LEGACY_TEXT = base64.b64encode(LEGACY).decode()
KEYS = Keys.read([LEGACY_TEXT], [SECRET])


def dated(
    signature: str = PUBLISHED, at: str = str(SENT_S), name: str = DELIVERY
) -> dict[str, str]:
    return {"Webhook-Id": name, "Webhook-Timestamp": at, "Webhook-Signature": signature}


def legacy(timestamp: str, key: bytes = LEGACY, body: bytes = BODY) -> str:
    return f"hmac;1;{timestamp};{sign_legacy(body, timestamp, key)}"


def refusal(headers: dict[str, str], *, now_s: float = SENT_S, keys: Keys = KEYS) -> str:
    with pytest.raises(BadSignature) as caught:
        verify(BODY, headers, now_s=now_s, keys=keys)
    return caught.value.reason


def test_the_published_vector_is_accepted() -> None:
    found = verify(BODY, dated(), now_s=SENT_S, keys=KEYS)
    assert found == Verified("dated", SENT_S, DELIVERY)


def test_the_legacy_scheme_is_accepted_in_seconds_and_in_milliseconds() -> None:
    for timestamp in (str(SENT_S), f"{SENT_S}250"):
        found = verify(BODY, {"openphone-signature": legacy(timestamp)}, now_s=SENT_S, keys=KEYS)
        assert (found.scheme, found.delivery_id) == ("legacy", None)
        assert abs(found.signed_at_s - SENT_S) < 1


def test_any_of_several_keys_will_do() -> None:
    keys = Keys.read([base64.b64encode(b"old").decode(), LEGACY_TEXT], ["whsec_b2xk", SECRET])
    assert verify(BODY, dated(), now_s=SENT_S, keys=keys).scheme == "dated"
    header = {"OpenPhone-Signature": legacy(str(SENT_S))}
    assert verify(BODY, header, now_s=SENT_S, keys=keys).scheme == "legacy"


def test_any_of_several_signatures_will_do() -> None:
    assert verify(BODY, dated(f"v1a,abc v1,AAAA {PUBLISHED}"), now_s=SENT_S, keys=KEYS)
    header = f"hmac;1;{SENT_S};AAAA, {legacy(str(SENT_S))}"
    assert verify(BODY, {"openphone-signature": header}, now_s=SENT_S, keys=KEYS)


@pytest.mark.parametrize("off_s", [-300, 300])
def test_the_replay_window_is_five_minutes_either_way(off_s: int) -> None:
    both: list[dict[str, str]] = [dated(), {"openphone-signature": legacy(f"{SENT_S}000")}]
    for headers in both:
        assert verify(BODY, headers, now_s=SENT_S + off_s, keys=KEYS)
        beyond = SENT_S + off_s + (1 if off_s > 0 else -1)
        assert refusal(headers, now_s=beyond) == "stale"


def test_a_stale_signature_beside_a_fresh_one_does_no_harm() -> None:
    header = f"{legacy(str(SENT_S - 4000))},{legacy(str(SENT_S))}"
    found = verify(BODY, {"openphone-signature": header}, now_s=SENT_S, keys=KEYS)
    assert found.signed_at_s == SENT_S


def test_what_is_not_signed_is_told_apart() -> None:
    assert refusal({}) == "unsigned"
    assert refusal({"webhook-id": DELIVERY}) == "unsigned"


@pytest.mark.parametrize(
    "headers",
    [
        dated(signature=""),
        dated(signature="v1,"),
        dated(signature="v2,AAAA"),
        dated(at="yesterday"),
        dated(at="-1"),
        dated(at="１６１４２６５３３０"),
        dated(at=""),
        dated(name=""),
        dated(name="msg with space"),
        {"openphone-signature": ""},
        {"openphone-signature": "hmac;1;1639710054089"},
        {"openphone-signature": "sha1;1;1639710054089;AAAA"},
        {"openphone-signature": "hmac;1;soon;AAAA"},
        {"openphone-signature": "hmac;1;1639710054089;"},
        {"openphone-signature": "hmac;1;1639710054089;AA;AA"},
    ],
)
def test_a_header_that_is_not_of_the_form_is_malformed(headers: dict[str, str]) -> None:
    assert refusal(headers) == "malformed"


def test_a_wrong_signature_is_wrong_whatever_it_holds() -> None:
    other = base64.b64encode(b"x" * 32).decode()
    for signature in (other, "AAAA", "é", "\udcff", PUBLISHED.removeprefix("v1,").lower()):
        assert refusal(dated(f"v1,{signature}")) == "wrong"
        assert refusal({"openphone-signature": f"hmac;1;{SENT_S};{signature}"}) == "wrong"


def test_wrong_comes_before_stale_so_that_a_stale_one_was_truly_signed() -> None:
    assert refusal(dated("v1,AAAA"), now_s=SENT_S + 9999) == "wrong"


def test_without_a_key_of_its_scheme_nothing_is_accepted() -> None:
    only_legacy, only_dated = Keys.read([LEGACY_TEXT], []), Keys.read([], [SECRET])
    assert refusal(dated(), keys=only_legacy) == "no_key"
    assert refusal({"openphone-signature": legacy(str(SENT_S))}, keys=only_dated) == "no_key"
    assert not Keys()
    assert only_legacy


def test_every_byte_counts() -> None:
    chance = random.Random(4)
    for _ in range(200):
        changed = bytearray(BODY)
        changed[chance.randrange(len(BODY))] ^= 1 << chance.randrange(8)
        with pytest.raises(BadSignature):
            verify(bytes(changed), dated(), now_s=SENT_S, keys=KEYS)
    moved = dated(name="msg_other")
    assert refusal(moved) == "wrong"
    assert refusal(dated(at=str(SENT_S + 1))) == "wrong"


def test_a_signature_beyond_the_sixteenth_is_not_looked_at() -> None:
    assert refusal(dated("v1,AAAA " * 16 + PUBLISHED)) == "wrong"
    many = "hmac;1;1;AAAA," * 16 + legacy(str(SENT_S))
    assert refusal({"openphone-signature": many}) == "wrong"


def test_a_signature_of_the_dated_scheme_is_made_as_published() -> None:
    assert sign_dated(BODY, DELIVERY, str(SENT_S), KEYS.dated[0]) == PUBLISHED[3:]


@pytest.mark.parametrize("text", ["", "whsec_", "not base64!", "Q"])
def test_what_is_no_key_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not base64|is empty") as caught:
        Keys.read([], [text])
    assert str(caught.value) in ("is not base64", "is empty")


def test_keys_are_not_shown() -> None:
    assert SECRET not in repr(KEYS) and LEGACY_TEXT not in repr(KEYS)
    assert repr(KEYS.legacy[0]) not in repr(KEYS)
