"""Traces: nothing without a collector; with one, a request, its calls and its job are one trace."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from app import create_app, tracing
from app.auth import open_to_all
from app.config import Config
from devstack.layout import CHECKOUT

PARENT = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = {"traceparent": f"00-{PARENT}-b7ad6b7169203331-01"}
PERSON = "ana.ruiz"


class Collector(HTTPServer):
    """OTLP over HTTP, as a collector takes it, and a service for the pool to call."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Span] = []
        self.seen_headers: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def named(self, name: str) -> Span:
        tracing.flush()
        (found,) = (span for span in self.spans if span.name == name)
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            asked = ExportTraceServiceRequest.FromString(body)
            self.server.spans += [
                span
                for resource in asked.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]
        else:
            self.server.seen_headers.append(self.headers["traceparent"] or "")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setattr(tracing, "_provider", None)
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        if tracing._provider:
            tracing._provider.shutdown()
        server.shutdown()
        thread.join()


@pytest.fixture
def app(config: Config, collector: Collector) -> Flask:
    app = create_app(replace(config, otlp_url=collector.url))
    http: httpx.Client = app.extensions["clients"].http

    @open_to_all
    def call(what: str) -> dict[str, str]:
        path = {"table": "rest/v1/contacts", "file": f"storage/v1/object/{PERSON}.csv"}[what]
        http.post(f"{collector.url}/{path}?name=eq.{PERSON}", content=b"x")
        return tracing.carrier()

    @open_to_all
    def fail() -> dict[str, str]:
        raise ValueError(PERSON)

    app.add_url_rule("/call/<what>", view_func=call)
    app.add_url_rule("/fail", view_func=fail)
    return app


def attributes(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes}


def test_without_a_collector_nothing_is_sent_started_or_hooked() -> None:
    """The API itself is loaded by redis-py, wherever it is installed."""
    code = (
        "import sys, threading; from app import create_app; from app.config import Config;"
        "c = Config('http://127.0.0.1:9', 'anon', 'issuer', 'redis://127.0.0.1:9/0');"
        "app = create_app(c); import edge_jobs.worker;"
        "hooks = app.extensions['clients'].http.event_hooks['request'];"
        "sys.exit('opentelemetry.exporter' in sys.modules or threading.active_count() > 1"
        " or len(hooks) > 1)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=False).returncode == 0


def test_a_request_and_its_calls_are_one_trace(client: FlaskClient, collector: Collector) -> None:
    carried = client.get("/call/table", headers=TRACEPARENT).json
    request = collector.named("GET /call/<what>")
    call = collector.named("POST /rest/v1/contacts")
    assert request.trace_id.hex() == call.trace_id.hex() == PARENT
    assert call.parent_span_id == request.span_id
    assert collector.seen_headers == [f"00-{PARENT}-{call.span_id.hex()}-01"]
    told = attributes(request)
    assert told["http.route"] == "/call/<what>"
    assert told["http.response.status_code"] == "200"
    assert carried == {"traceparent": f"00-{PARENT}-{request.span_id.hex()}-01"}


def test_a_job_belongs_to_the_trace_of_its_ring(client: FlaskClient, collector: Collector) -> None:
    carried = client.get("/call/table", headers=TRACEPARENT).json
    with tracing.span("run_import", "consumer", carried, queue="imports"):
        pass
    job = collector.named("run_import")
    assert job.trace_id.hex() == PARENT
    assert job.parent_span_id == collector.named("GET /call/<what>").span_id
    assert attributes(job) == {"queue": "imports"}


def test_a_failure_is_marked_and_a_call_without_answer_too(
    client: FlaskClient, collector: Collector, signed_in: dict[str, str]
) -> None:
    client.get("/fail")
    assert collector.named("GET /fail").status.code == 2
    client.get("/api/v1/imports/00000000-0000-4000-8000-000000000001", headers=signed_in)
    assert collector.named("GET /rest/v1/imports").status.code == 2


def test_no_trace_holds_anybodys_data(client: FlaskClient, collector: Collector) -> None:
    client.get(f"/call/file?name={PERSON}", headers={"X-Name": PERSON})
    client.get(f"/{PERSON}")
    client.get("/fail")
    tracing.flush()
    assert {span.name for span in collector.spans} == {
        "GET /call/<what>", "POST /storage", "GET none", "GET /fail"
    }  # fmt: skip
    assert PERSON not in str(collector.spans)


def test_without_a_collector_a_ring_carries_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_provider", None)
    assert tracing.carrier() == {}
    with tracing.span("run_import", "consumer", {}) as nothing:
        assert nothing is None
    tracing.flush()
