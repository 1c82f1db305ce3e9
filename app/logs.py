"""JSON logs, in every process alike. A line says who (an id) and what, never a person's data."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict

from app import passage

# One for all lines: `json.dumps` would make one for each.
ENCODER = json.JSONEncoder(default=repr)
# httpx logs whole URLs at info: query strings are filters, and filters are people.
TALKATIVE = ("httpx", "httpcore", "urllib3", "opentelemetry")


class Lines:
    """Writes whole lines. One that cannot be written is lost: a full disk refuses no request."""

    out: TextIO = sys.stdout

    def write(self, line: str) -> None:
        try:
            self.out.write(f"{line}\n")
            self.out.flush()
        except OSError:  # noqa: S110 - there is nobody left to tell
            pass

    debug = info = warning = error = critical = exception = write


LINES = Lines()


def configure(level: str, stream: TextIO | None = None) -> None:
    """Sends structlog's and every library's lines to one stream (stdout) as JSON."""
    out = stream or sys.stdout
    beginning: list[structlog.typing.Processor] = [
        _request_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[structlog.typing.Processor] = [
        _without_messages,
        structlog.processors.JSONRenderer(serializer=_json),
    ]
    LINES.out = out
    # Straight to the stream: by way of `logging` a line costs a request three times as much.
    structlog.configure(
        processors=[*beginning, *ending],
        logger_factory=lambda *_: LINES,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    _configure_libraries(level, out, beginning, ending)


def _configure_libraries(
    level: str,
    out: TextIO,
    beginning: list[structlog.typing.Processor],
    ending: list[structlog.typing.Processor],
) -> None:
    handler = logging.StreamHandler(out)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=beginning, processors=[remove_meta, *ending]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _json(event: EventDict, **_: Any) -> str:
    return ENCODER.encode(event)


def places(error: BaseException) -> list[str]:
    """Where it happened, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _request_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    passing = passage.current()
    if passing:
        event.setdefault("request_id", passing.request_id)
    return event


def _without_messages(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The message of a foreign exception may quote somebody's data; its type and place do not."""
    found = event.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event.update(error=type(error).__name__, places=places(error))
    return event
