"""Traces by OpenTelemetry, where a collector is set. Elsewhere nothing of it is started or asked.

Our own few spans rather than the ready-made instrumentation, which writes down whole addresses:
query strings are filters, object names are file names, and both are people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import httpx

from app import passage

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

FLUSHED_WITHIN_MS = 2000
# Calls whose answer has not begun: they failed if whoever made them is done.
_calls: ContextVar[list[Span] | None] = ContextVar("calls", default=None)
_provider: TracerProvider | None = None


def configure(otlp_url: str, service: str, exporter: SpanExporter | None = None) -> None:
    """To be called in the process that traces: its sender is a thread, and no fork inherits it."""
    global _provider
    if not otlp_url:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    _provider = TracerProvider(resource=Resource.create({"service.name": service}))
    sender = exporter or OTLPSpanExporter(endpoint=f"{otlp_url}/v1/traces")
    _provider.add_span_processor(BatchSpanProcessor(sender))


def flush() -> None:
    """For a process that ends without notice, as a work-horse does."""
    if _provider:
        _provider.force_flush(FLUSHED_WITHIN_MS)


def carrier() -> dict[str, str]:
    """What a ring takes along so that its job belongs to this trace; empty when nothing traces."""
    found: dict[str, str] = {}
    if _provider:
        from opentelemetry.propagate import inject

        inject(found)
    return found


@contextmanager
def span(name: str, kind: str, parent: Mapping[str, str], **attributes: Any) -> Iterator[Any]:
    """`parent` is a carrier; `kind` server or consumer. Yields the span, None when off."""
    if not _provider:
        yield None
        return
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind

    calls = _calls.set([])
    with _provider.get_tracer("crm").start_as_current_span(
        name,
        extract(parent),
        kind=SpanKind[kind.upper()],
        attributes=attributes,
        # The message of an exception may quote somebody's data.
        record_exception=False,
        set_status_on_exception=False,
    ) as found:
        try:
            yield found
        finally:
            for call in _calls.get() or []:
                _fail(call)
            _calls.reset(calls)


class Traced:
    """Around the whole of the web application."""

    def __init__(self, wsgi_app: Any) -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        parent = {"traceparent": environ.get("HTTP_TRACEPARENT", "")}
        with span("request", "server", parent) as found:

            def start(status: str, headers: Any, exc_info: Any = None) -> Any:
                _describe(found, environ["REQUEST_METHOD"], int(status[:3]))
                return start_response(status, headers, exc_info)

            answer: Iterable[bytes] = self._wsgi_app(environ, start)
            return answer


def watch(http: httpx.Client) -> None:
    """A span for every call of the pool, and the trace sent along."""
    if _provider:
        http.event_hooks["request"].append(_begin_call)
        http.event_hooks["response"].append(_end_call)


def _describe(found: Span, method: str, status: int) -> None:
    passing = passage.current()
    route = (passing.route if passing else None) or "none"
    found.update_name(f"{method} {route}")
    found.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "request.id": passing.request_id if passing else "",
        }
    )
    if status >= 500:
        _mark_failed(found)


def _begin_call(request: httpx.Request) -> None:
    from opentelemetry.propagate import inject
    from opentelemetry.trace import SpanKind, set_span_in_context

    calls = _calls.get()
    if _provider is None or calls is None:
        return
    call = _provider.get_tracer("crm").start_span(
        f"{request.method} {_public_path(request.url.path)}",
        kind=SpanKind.CLIENT,
        attributes={"http.request.method": request.method, "server.address": request.url.host},
    )
    inject(request.headers, set_span_in_context(call))
    request.extensions["span"] = call
    calls.append(call)


def _end_call(response: httpx.Response) -> None:
    call = response.request.extensions.get("span")
    if call is None:
        return
    call.set_attribute("http.response.status_code", response.status_code)
    call.end()
    open_calls = _calls.get()
    if open_calls and call in open_calls:
        open_calls.remove(call)


def _public_path(path: str) -> str:
    """Tables and functions by name; of everything else the service alone."""
    return path if path.startswith("/rest/v1/") else f"/{path.lstrip('/').partition('/')[0]}"


def _fail(call: Span) -> None:
    _mark_failed(call)
    call.end()


def _mark_failed(found: Span) -> None:
    from opentelemetry.trace import StatusCode

    found.set_status(StatusCode.ERROR)
