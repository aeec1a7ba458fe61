"""What operators count: answers and seconds, by plot, status and outcome, in Prometheus' format."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest


class Metrics:
    """The counters of one server. Labels are names of plots, never what a request says."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "plotroute_answers",
            "Answers, by plot, status and how they came about",
            ["plot", "status", "outcome"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "plotroute_answer_seconds",
            "Seconds from request to answer",
            ["outcome"],
            # From a cached picture (under a millisecond) to the longest a drawing may take by default.
            buckets=(0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self._registry,
        )

    def count(self, plot: str, status: int, outcome: str, seconds: float) -> None:
        """Count an answer."""
        self._answers.labels(plot, str(status), outcome).inc()
        self._seconds.labels(outcome).observe(seconds)

    def exposition(self) -> tuple[bytes, int, str]:
        """Return the body, status and media type of `/metrics`."""
        return generate_latest(self._registry), 200, CONTENT_TYPE_LATEST
