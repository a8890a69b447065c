"""Counters and histograms for Prometheus; labels are few and fixed, never a text or a path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

__all__ = ["Metrics"]

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Everything that ``/metrics`` tells, for one server."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter(
            "sightword_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "sightword_http_request_seconds",
            "Time until a request was answered.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.search_seconds = Histogram(
            "sightword_search_seconds",
            "Time of a search, without waiting.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.decode_seconds = Histogram(
            "sightword_decode_seconds", "Time of decoding an upload.", buckets=_SECONDS, registry=registry
        )
        self.batch_size = Histogram(
            "sightword_encode_batch_size",
            "Items encoded at once.",
            ["kind"],
            buckets=_SIZES,
            registry=registry,
        )
        self.rejected = Counter(
            "sightword_rejected_requests", "Requests refused, by reason.", ["reason"], registry=registry
        )
        self.in_flight = Gauge(
            "sightword_requests_in_flight", "Requests accepted, not answered.", registry=registry
        )
        self.pictures = Gauge(
            "sightword_index_pictures", "Pictures in an index.", ["index"], registry=registry
        )
        self.jobs = Counter(
            "sightword_refresh_jobs", "Refresh jobs that ended, by state.", ["state"], registry=registry
        )
        ProcessCollector(registry=registry)

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Around the decoding of one upload."""
        started = perf_counter()
        try:
            yield
        finally:
            self.decode_seconds.observe(perf_counter() - started)

    def batch(self, kind: str, size: int) -> None:
        """A batch was encoded."""
        self.batch_size.labels(kind).observe(size)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
