"""Lists and single objects of both surfaces: texts, conversations, calls, numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.sandbox_driver import Sandbox

PERSON, OTHER = "+16175550123", "+16175550124"
OF_PERSON = {"phoneNumberId": "PNdemo01", "participants": PERSON}


def v1_pages(sandbox: Sandbox, path: str, size: int, **query: Any) -> list[dict[str, Any]]:
    found, token = [], None
    while True:
        more = {"pageToken": token} if token else {}
        answer = sandbox.v1("GET", path, params=query | {"maxResults": size} | more).json()
        found += answer["data"]
        token = answer["nextPageToken"]
        if token is None:
            return found


def dated_pages(sandbox: Sandbox, path: str, size: int, **query: Any) -> list[dict[str, Any]]:
    found, cursor = [], None
    while True:
        more = {"after": cursor} if cursor else {}
        answer = sandbox.dated("GET", path, params=query | {"limit": size} | more).json()
        found += answer["data"]
        cursor = answer["nextCursor"]
        if cursor is None:
            return found


@pytest.fixture
def texts(sandbox: Sandbox) -> list[str]:
    """Seven, a minute apart, two people in turn; newest first."""
    made = [
        sandbox.customer_texts(
            (PERSON, OTHER)[at % 2], f"text {at}", at=f"2026-11-02T15:0{at}:00-05:00"
        )
        for at in range(7)
    ]
    return [each["id"] for each in reversed(made)]


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_pages_together_are_the_whole(sandbox: Sandbox, texts: list[str], size: int) -> None:
    assert [each["id"] for each in dated_pages(sandbox, "/messages", size)] == texts
    mine = v1_pages(sandbox, "/messages", size, **OF_PERSON)
    assert [each["id"] for each in mine] == texts[::2]


def test_texts_are_found_by_time(sandbox: Sandbox, texts: list[str]) -> None:
    limits = {"createdAt[gt]": "2026-11-02T20:01:00Z", "createdAt[lt]": "2026-11-02T15:04:00-05:00"}
    found = dated_pages(sandbox, "/messages", 10, **limits)
    assert [each["text"] for each in found] == ["text 3", "text 2"]
    v1_limits = {"createdAfter": "2026-11-02T20:02:00Z"}
    found = v1_pages(sandbox, "/messages", 10, **OF_PERSON, **v1_limits)
    assert [each["text"] for each in found] == ["text 6", "text 4"]


def test_plus_that_is_not_encoded_finds_nothing(sandbox: Sandbox, texts: list[str]) -> None:
    raw = f"phoneNumberId=PNdemo01&maxResults=10&participants={PERSON}"
    url = httpx.URL(f"{sandbox.url}/v1/messages").copy_with(query=raw.encode())
    answer = sandbox.http.get(url, headers={"Authorization": sandbox.key})
    assert (answer.status_code, answer.json()["data"]) == (200, [])


def test_sent_text_is_found_again_by_its_person(sandbox: Sandbox) -> None:
    for people in ([PERSON], [OTHER], [PERSON, OTHER]):
        content = {"content": "Hi", "from": "PNdemo01", "to": people}
        sandbox.v1("POST", "/messages", json=content)
    exactly = {"to[all]": PERSON, "direction": "outgoing", "phoneNumberId": "PNdemo01"}
    assert len(dated_pages(sandbox, "/messages", 10, **exactly)) == 1
    assert len(dated_pages(sandbox, "/messages", 10, to=PERSON)) == 2


def test_pictures_are_shown_by_the_dated_surface_only(sandbox: Sandbox) -> None:
    heard = sandbox.customer_texts(PERSON, media=[{"kind": "jpeg"}, {"kind": "heic"}])
    dated = sandbox.dated("GET", f"/messages/{heard['id']}").json()["data"]
    assert [each["type"] for each in dated["media"]] == ["image/jpeg", "image/heic"]
    assert sandbox.v1("GET", f"/messages/{heard['id']}").json()["data"]["media"] == []


def test_retry_is_for_what_failed_for_now(sandbox: Sandbox) -> None:
    statuses = {}
    for code in ("30001", "21610"):
        sandbox.fault("fails", code=code)
        content = {"content": "Hi", "from": "PNdemo01", "to": [PERSON]}
        sent = sandbox.v1("POST", "/messages", json=content).json()["data"]
        sandbox.idle()
        statuses[code] = sandbox.dated("POST", f"/messages/{sent['id']}/retry").status_code
    assert statuses == {"30001": 202, "21610": 422}
    sandbox.idle()
    assert len(sandbox.ledger()) == 3


def test_conversations_by_number_time_and_order(sandbox: Sandbox, texts: list[str]) -> None:
    sandbox.customer_texts(PERSON, "to health", to="+16175550101")
    assert len(v1_pages(sandbox, "/conversations", 1)) == 3
    mine = v1_pages(sandbox, "/conversations", 100, phoneNumbers="+16175550100")
    assert [each["participants"] for each in mine] == [[OTHER], [PERSON]]
    by_change = dated_pages(
        sandbox, "/conversations", 1, phoneNumberId="PNdemo01", sort="updatedAt:asc"
    )
    assert [each["participants"] for each in by_change] == [[OTHER], [PERSON]]
    assert "assignedTo" in mine[0] and "assignedTo" not in by_change[0]
    since = {"updatedAt[gte]": by_change[1]["updatedAt"], "phoneNumberId[in]": "PNdemo01,PNnone"}
    assert len(dated_pages(sandbox, "/conversations", 10, **since)) == 1


def test_marking_answers_bare_on_v1(sandbox: Sandbox) -> None:
    conversation_id = sandbox.customer_texts(PERSON, "Hi")["conversation_id"]
    path = f"/conversations/{conversation_id}/mark-as-done"
    assert sandbox.v1("POST", path).json()["id"] == conversation_id
    assert sandbox.dated("POST", path).json()["data"]["id"] == conversation_id
    assert sandbox.conversation(conversation_id)["inbox"] == "done"


def test_call_and_all_that_belongs_to_it(sandbox: Sandbox) -> None:
    call_id = sandbox.customer_calls(PERSON, recordings=2, sound="wav")["id"]
    call = sandbox.v1("GET", f"/calls/{call_id}").json()["data"]
    assert (call["status"], call["participants"]) == ("completed", [PERSON, "+16175550100"])
    first, second = sandbox.v1("GET", f"/call-recordings/{call_id}").json()["data"]
    assert first["startTime"] < second["startTime"]
    sound = httpx.get(first["url"])
    assert (sound.headers["content-type"], sound.content[:4]) == ("audio/wav", b"RIFF")
    summary = sandbox.v1("GET", f"/call-summaries/{call_id}").json()["data"]
    assert summary["status"] == "completed" and summary["nextSteps"]
    transcript = sandbox.v1("GET", f"/call-transcripts/{call_id}").json()["data"]
    assert PERSON in [line["identifier"] for line in transcript["dialogue"]]
    dated = sandbox.dated("GET", f"/calls/{call_id}?include=summary").json()["data"]
    assert dated["participants"][1] == {"phoneNumber": PERSON, "actorId": None}
    assert dated["summary"]["callId"] == call_id
    assert sandbox.v1("GET", f"/call-voicemails/{call_id}").status_code == 404


def test_call_that_is_told_now_ended_by_now(sandbox: Sandbox) -> None:
    before = datetime.now(UTC)
    call_id = sandbox.customer_calls(PERSON, duration_s=60)["id"]
    call = sandbox.v1("GET", f"/calls/{call_id}").json()["data"]
    began, ended = (datetime.fromisoformat(call[name]) for name in ("createdAt", "completedAt"))
    assert ended - began == timedelta(seconds=66)
    assert before - timedelta(seconds=1) < ended <= datetime.now(UTC)


def test_summary_that_will_never_be_is_no_error(sandbox: Sandbox) -> None:
    call_id = sandbox.customer_calls(PERSON, "missed")["id"]
    answer = sandbox.v1("GET", f"/call-summaries/{call_id}")
    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "absent")


def test_voicemail_has_a_sound_and_words(sandbox: Sandbox) -> None:
    call_id = sandbox.customer_calls(PERSON, "voicemail")["id"]
    voicemail = sandbox.v1("GET", f"/call-voicemails/{call_id}").json()["data"]
    assert voicemail["transcript"]
    assert httpx.get(voicemail["recordingUrl"]).headers["content-type"] == "audio/mpeg"


def test_calls_are_listed_for_one_person_only(sandbox: Sandbox) -> None:
    ids = [sandbox.customer_calls(PERSON, "missed")["id"] for _ in range(3)][::-1]
    sandbox.customer_calls(OTHER)
    assert [each["id"] for each in v1_pages(sandbox, "/calls", 2, **OF_PERSON)] == ids
    query = {"phoneNumberId": "PNdemo01", "participants": [PERSON, OTHER], "maxResults": 5}
    assert sandbox.v1("GET", "/calls", params=query).json()["code"] == "0101400"
    missed = dated_pages(sandbox, "/calls", 2, **{"status[in]": "missed,busy"})
    assert [each["id"] for each in missed] == ids


def test_number_is_called_by_two_names(sandbox: Sandbox) -> None:
    v1 = sandbox.v1("GET", "/phone-numbers").json()["data"]
    assert [each["number"] for each in v1] == ["+16175550100", "+16175550101"]
    assert v1[0]["users"][0]["role"] == "owner"
    query = {"phoneNumber": "+16175550101", "include": "restrictions"}
    (dated,) = sandbox.dated("GET", "/phone-numbers", params=query).json()["data"]
    assert (dated["id"], dated["phoneNumber"]) == ("PNdemo02", "+16175550101")
    assert "users" not in dated and "restrictions" in dated


def test_history_is_the_same_for_the_same_seed(sandbox: Sandbox) -> None:
    details = {"messages": 6, "calls": 50, "photos": 50, "stops": 30, "seed": 5}
    until = "2026-11-01T00:00:00Z"
    texts = []
    for _ in range(2):
        sandbox.reset()
        sandbox.behave(requests_per_s=0)
        made = sandbox.seed(12, until=until, **details)
        assert (made["conversations"], made["calls"] > 0) == (12, True)
        listed = dated_pages(sandbox, "/messages", 50)
        assert len(listed) == made["messages"]
        texts.append([(each["id"], each["text"], each["createdAt"]) for each in listed])
    assert texts[0] == texts[1]
    assert max(at for _, _, at in texts[0]) <= until.replace("Z", ".000Z")
