from __future__ import annotations

from flask.testing import FlaskClient


def test_the_process_is_alive_whatever_else_is_down(client: FlaskClient) -> None:
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_each_thing_that_is_down_is_named(client: FlaskClient) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json["status"] == "failed"
    checks = answer.json["checks"]
    assert {name: check["status"] for name, check in checks.items()} == {
        "database": "failed",
        "redis": "failed",
        "storage": "failed",
    }
    assert all(check["ms"] >= 0 for check in checks.values())
