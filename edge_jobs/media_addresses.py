"""A fresh address for a file whose own has expired, where the vendor gives one."""

from __future__ import annotations

import math
import re
from typing import Any

from app.integrations import openphone_calls, openphone_fields, openphone_objects
from app.integrations.http import VendorBusy, VendorRefused, VendorUnknown
from app.integrations.openphone import OpenPhone
from app.media.fetching import NotNow
from edge_jobs import vendors

Row = dict[str, Any]


def fresh(row: Row) -> str | None:
    """`row` as claim_media gives it. None: the vendor has none. Raises NotNow."""
    try:
        return _ask(vendors.openphone(), row)
    except vendors.NotSetUp:
        return None
    except VendorBusy as error:
        raise NotNow("The vendor is busy.", math.ceil(error.retry_after_s)) from error
    except VendorUnknown as error:
        raise NotNow("The vendor does not answer.") from error
    except VendorRefused as error:
        if error.is_about_account:
            raise NotNow("The vendor does not accept our key.") from error
        return None


def _ask(phone: OpenPhone, row: Row) -> str | None:
    if row["message_id"]:
        return _of_message(phone, row["message_id"], row["position"])
    if row["recording_id"] and row["call_id"]:
        return _of_recording(phone, row["call_id"], row["recording_id"])
    if row["voicemail_id"] and row["call_id"]:
        return _of_voicemail(phone, row["call_id"], row["voicemail_id"])
    return None


def _of_message(phone: OpenPhone, message_id: str, position: int) -> str | None:
    told = phone.get_message(message_id)
    if told is None:
        return None
    files = openphone_objects.message(openphone_objects.rest(told))["media"]
    url: str | None = files[position]["url"] if position < len(files) else None
    return url


def _of_recording(phone: OpenPhone, call_id: str, recording_id: str) -> str | None:
    found = [
        openphone_calls.recording(openphone_objects.rest(told), call_id, position)
        for position, told in enumerate(phone.call_recordings(call_id))
    ]
    made_up = re.fullmatch(r".*:recording:(\d+)", recording_id)
    for position, each in enumerate(found):
        if each["id"] == recording_id or (made_up and int(made_up[1]) == position):
            return each["url"] or None
    return None


def _of_voicemail(phone: OpenPhone, call_id: str, voicemail_id: str) -> str | None:
    """A call has one voicemail; older events gave it no id of its own."""
    found = [
        (openphone_fields.word(told.get("id")), openphone_fields.word(told.get("recordingUrl")))
        for told in phone.call_voicemails(call_id)
    ]
    for told_id, url in found:
        if told_id == voicemail_id or len(found) == 1:
            return url or None
    return None
