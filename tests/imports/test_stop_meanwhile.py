"""A STOP that comes while a batch is on its way, told apart by two connections."""

from __future__ import annotations

import json
import uuid

import psycopg

from tests.imports.desk import Desk
from tests.imports.sheets import any_phone, e164


def test_who_opts_out_while_his_batch_is_on_its_way_ends_suppressed(desk: Desk) -> None:
    phone, lease = e164(any_phone()), str(uuid.uuid4())
    person = {"slot": "primary", "phone": phone, "display_name": "ANNA KURTE"}
    rows = [{"row_no": 2, "property": {"apn": "A-1"}, "people": [person]}]
    found = desk.one(
        "insert into lists (location_id, name) values (%s, 'x') returning id", desk.location.id
    )
    started = desk.one(
        "insert into imports (location_id, list_id, list_name, file_path, filename, size_bytes,"
        " sha256) values (%s, %s, 'x', '-', '-', 1, repeat('0', 64)) returning id",
        desk.location.id,
        found["id"],
    )["id"]
    desk.sql("select claim_import(%s, %s)", started, lease)
    desk.sql("select begin_import(%s, %s, 'propertyradar', 'campaign', '[]', 1, 0)", started, lease)
    with psycopg.connect(desk.env["DATABASE_URL"]) as worker:
        worker.execute("select import_batch(%s, %s, 0, %s)", (started, lease, json.dumps(rows)))
        # Not committed yet: the opt-out sees no member of any list.
        desk.write("POST", "opt_outs", {"location_id": desk.location.id, "phone": phone})
    assert [member["status"] for member in desk.all("list_members")] == ["active"]
    desk.sql("select finish_import(%s, %s)", started, lease)
    assert [member["status"] for member in desk.all("list_members")] == ["suppressed"]
