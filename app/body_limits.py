"""How much a request may bring: a file up to the set limit, everything else a megabyte."""

from __future__ import annotations

from flask import Flask, request

from app import passage

OTHER_BYTES = 1024 * 1024
# No form of ours has more; each further part costs memory before anybody looks at it.
MOST_PARTS = 50
# A field that is no file: names and choices.
FIELD_BYTES = 100_000


def register(app: Flask, upload_limit_bytes: int) -> None:
    app.config.update(
        UPLOAD_LIMIT_BYTES=upload_limit_bytes,
        MAX_CONTENT_LENGTH=OTHER_BYTES,
        MAX_FORM_PARTS=MOST_PARTS,
        MAX_FORM_MEMORY_SIZE=FIELD_BYTES,
    )

    def make_room_for_a_file() -> None:
        if passage.this().method == "POST" and request.mimetype == "multipart/form-data":
            # The form's other fields need room beside the file itself.
            request.max_content_length = upload_limit_bytes + OTHER_BYTES

    app.before_request(make_room_for_a_file)
