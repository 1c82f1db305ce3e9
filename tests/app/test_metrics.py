"""/metrics: closed by default, and nothing in it that a caller can choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app import shared_counts, workforce
from app.config import Config
from devstack.stack import Stack

TOKEN = {"Authorization": "Bearer metrics-token-for-tests"}
Samples = dict[tuple[str, tuple[str, ...]], float]

Open = Callable[[Config], FlaskClient]


@pytest.fixture
def config(config: Config, stack: Stack) -> Config:
    return replace(
        config, redis_url=stack.env["REDIS_URL"], metrics_token="metrics-token-for-tests"
    )


@pytest.fixture
def redis_conn(redis_conn: redis.Redis) -> Iterator[redis.Redis]:
    redis_conn.flushall()
    yield redis_conn
    redis_conn.flushall()


def scrape(client: FlaskClient) -> Samples:
    answer = client.get("/metrics", headers=TOKEN)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_without_a_token_set_there_are_no_metrics(config: Config, open_client: Open) -> None:
    closed = open_client(replace(config, metrics_token=""))
    for headers in ({}, TOKEN, {"Authorization": "Bearer "}):
        assert closed.get("/metrics", headers=headers).status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer wrong", "Basic metrics-token-for-tests", "Bearer é"])
def test_the_wrong_token_is_refused(client: FlaskClient, given: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": given})
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_token")


def test_requests_are_counted_by_pattern(client: FlaskClient) -> None:
    path = "/api/v1/imports/{}"
    counted = ("crm_http_requests_total", ("GET", "/api/v1/imports/<uuid:import_id>", "401"))
    before = scrape(client).get(counted, 0)
    for n in range(3):
        client.get(path.format(f"00000000-0000-4000-8000-00000000000{n}?phone=6025550184"))
    after = scrape(client)
    assert after[counted] - before == 3
    assert ("crm_http_request_seconds_count", ("GET", "/api/v1/imports/<uuid:import_id>")) in after


def test_what_a_caller_chooses_becomes_no_label(client: FlaskClient) -> None:
    client.open("/ana.ruiz", method="ANARUIZ")
    client.get("/ana.ruiz?x=ana.ruiz", headers={"X-Request-Id": "ana.ruiz"})
    told = client.get("/metrics", headers=TOKEN).text
    assert "ana" not in told.lower().replace("manage", "")
    assert 'method="OTHER",route="none",status="404"' in told


def test_refusals_are_counted(config: Config, open_client: Open) -> None:
    quotas = replace(config.quotas, open=1)
    client = open_client(replace(config, quotas=quotas))
    before = scrape(client).get(("crm_rate_limit_refusals_total", ("open",)), 0)
    here = {"REMOTE_ADDR": "192.0.2.99"}
    assert [client.get("/openapi.json", environ_overrides=here).status_code for _ in range(3)] == [
        200,
        429,
        429,
    ]
    assert scrape(client)[("crm_rate_limit_refusals_total", ("open",))] - before == 2


def test_what_workers_left_in_redis_is_told(client: FlaskClient, redis_conn: redis.Redis) -> None:
    shared_counts.job_began(redis_conn, "imports", "run_import")
    shared_counts.job_ended(redis_conn, "imports", "run_import", "finished", 2.5)
    shared_counts.job_ended(redis_conn, "imports", "run_import", "failed", 9000.0)
    shared_counts.vendor_called(redis_conn, "openphone", "send_message", "busy", 0.25)
    shared_counts.keep_business(redis_conn, {"imports": {"done": 3, "failed": 1}, "opt_outs": 7})
    workforce.beat(redis_conn, "imports", "one")
    redis_conn.rpush("rq:queue:imports", "run_import-x-1")
    told = scrape(client)
    assert told[("crm_redis_up", ())] == 1
    assert told[("crm_jobs_total", ("run_import", "started", "imports"))] == 1
    assert told[("crm_jobs_total", ("run_import", "failed", "imports"))] == 1
    assert told[("crm_job_seconds_sum", ("run_import", "imports"))] == 9002.5
    assert told[("crm_job_seconds_count", ("run_import", "imports"))] == 2
    assert told[("crm_job_seconds_bucket", ("run_import", "10.0", "imports"))] == 1
    assert told[("crm_vendor_calls_total", ("send_message", "busy", "openphone"))] == 1
    assert told[("crm_vendor_seconds_bucket", ("1.0", "send_message", "openphone"))] == 1
    assert told[("crm_imports", ("done",))] == 3
    assert told[("crm_opt_outs", ())] == 7
    assert told[("crm_workers", ("imports", "alive"))] == 1
    assert told[("crm_workers", ("clock", "alive"))] == 0
    assert told[("crm_queue_length", ("imports",))] == 1
    assert told[("crm_queue_oldest_seconds", ("imports",))] > 10**9


def test_redis_away_is_told_and_no_nought_is_invented(config: Config, open_client: Open) -> None:
    alone = open_client(replace(config, redis_url="redis://127.0.0.1:9/0"))
    told = scrape(alone)
    assert told[("crm_redis_up", ())] == 0
    assert not any(name.startswith(("crm_queue", "crm_jobs")) for name, _ in told)


def test_a_count_that_cannot_be_kept_stops_no_work() -> None:
    with redis.Redis.from_url("redis://127.0.0.1:9/0") as away:
        shared_counts.job_began(away, "imports", "run_import")
