"""Tracing: one span for each operation, sent by OTLP, where the standard variables of OpenTelemetry ask for it.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT (or the one for traces only) is set and the extra `botgraph[otel]` is installed. A span is named
after the operation's type, as the semantic conventions for GraphQL servers have it: callers choose names without number.
"""

import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

SWITCHES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SERVICE = "botgraph"
LONGEST_NAME = 100
NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")

log = structlog.get_logger("graph.tracing")


@dataclass(slots=True, kw_only=True)
class Seen:
    """What is noted of an operation while it is carried out."""

    codes: list[str] = field(default_factory=list)
    """The codes of its errors."""


class Tracing:
    """Makes spans of operations, or nothing."""

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        self._provider = provider
        self._tracer = None if provider is None else provider.get_tracer("botgraph")

    @property
    def is_on(self) -> bool:
        """Whether spans are made."""
        return self._tracer is not None

    @contextmanager
    def operation(self, kind: str, name: str | None, headers: Mapping[str, str]) -> Iterator[Seen]:
        """A span around one operation, part of the trace that the headers name."""
        seen = Seen()
        if self._tracer is None:
            yield seen
            return
        from opentelemetry import propagate  # noqa: PLC0415 - part of an extra
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - part of an extra

        attributes = {
            "graphql.operation.type": kind,
            **({"graphql.operation.name": name[:LONGEST_NAME]} if name else {}),
        }
        with self._tracer.start_as_current_span(
            kind,
            context=propagate.extract(headers),
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
        ) as span:
            yield seen
            _note(span, seen.codes)

    def close(self) -> None:
        """Send what waits, and end."""
        if self._provider is not None:
            self._provider.shutdown()


def tracing_of_environment(release: str) -> Tracing:
    """As the environment asks; a line in the log where it asks for what is not installed."""
    if not any(os.environ.get(name) for name in SWITCHES):
        return Tracing()
    if not _is_installed():
        log.warning("tracing_not_installed", install="botgraph[otel]")
        return Tracing()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - part of an extra
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - part of an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - part of an extra
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - part of an extra

    given = {"service.version": release}
    if "OTEL_SERVICE_NAME" not in os.environ:
        given["service.name"] = SERVICE
    provider = TracerProvider(resource=Resource.create(given), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


def _is_installed() -> bool:
    try:
        return all(importlib.util.find_spec(name) for name in NEEDED)
    except ModuleNotFoundError:
        return False


def _note(span: "Span", codes: list[str]) -> None:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - part of an extra

    if codes:
        span.set_attribute("error.type", codes[0])
        span.set_status(Status(StatusCode.ERROR))
