"""Tracing: one span for each operation, named by its type, and none where nobody asked for it."""

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from structlog.testing import capture_logs

from graph.observability.tracing import SWITCHES, Tracing, tracing_of_environment
from tests.api.client import Serving
from tests.api.conftest import NOW
from tests.fakes.standing_clock import StandingClock

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector(HTTPServer):
    """Takes what is exported."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[ExportTraceServiceRequest] = []

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.received
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Collector)
        self.server.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SWITCHES, "OTEL_SERVICE_NAME", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def attributes(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


def test_each_operation_is_a_span_named_by_its_type_in_the_callers_trace(
    collector: Collector, tmp_path: Path, seeded_store: Path
) -> None:
    (tmp_path / "botgraph.db").write_bytes(seeded_store.read_bytes())
    serving = Serving(tmp_path, StandingClock(NOW))
    api = serving.api
    api.post("query Mine { viewer { name } }", headers={"traceparent": PARENT})
    api.post('{ botState(botId: "nobody") { seq } }')
    api.post("{ nonsense }")
    with api.session() as socket:
        socket.subscribe("1", "subscription { botSummary { seq } }")
        socket.receive()
    serving.stop()
    mine, failed, subscribed = sorted(collector.spans, key=lambda span: span.start_time_unix_nano)
    resource = {one.key: one.value.string_value for one in collector.received[0].resource_spans[0].resource.attributes}

    assert [span.name for span in (mine, failed, subscribed)] == ["query", "query", "subscription"]
    assert [span.kind for span in (mine, failed, subscribed)] == [Span.SPAN_KIND_SERVER] * 3
    assert attributes(mine) == {"graphql.operation.type": "query", "graphql.operation.name": "Mine"}
    assert mine.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert mine.parent_span_id.hex() == "b7ad6b7169203331"
    assert attributes(failed) == {"graphql.operation.type": "query", "error.type": "BOT_001"}
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert resource["service.name"] == "botgraph"


def test_without_the_variable_nothing_is_traced() -> None:
    tracing = tracing_of_environment("1.0")
    with tracing.operation("query", None, {}) as seen:
        seen.codes = ["SYS_001"]
    tracing.close()

    assert tracing._tracer is None


def test_without_the_packages_the_log_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/v1/traces")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    with capture_logs() as log:
        tracing = tracing_of_environment("1.0")

    assert isinstance(tracing, Tracing)
    assert tracing._tracer is None
    assert [(line["event"], line["install"]) for line in log] == [("tracing_not_installed", "botgraph[otel]")]
