"""What operators count: answers and seconds, by plot, status and outcome, in Prometheus' format.

The counts are plain numbers, handed over when Prometheus reads them: prometheus-client's own counters
cost ten times what a ready answer costs (7 µs for both).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

# From a cached picture (under a millisecond) to the longest a drawing may take by default.
_BOUNDS = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Answered = tuple[str, int, str, float]
"""The name of a plot, never what a request says; the status; how it came about; seconds."""


class Metrics(Collector):
    """The counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answers: Counter[tuple[str, int, str]] = Counter()
        self._seconds: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(_BOUNDS) + 1))
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._lock = Lock()
        self._registry.register(self)

    def count(self, answers: Iterable[Answered]) -> None:
        """Count answers."""
        with self._lock:
            for plot, status, outcome, seconds in answers:
                self._answers[plot, status, outcome] += 1
                self._seconds[outcome][bisect_left(_BOUNDS, seconds)] += 1
                self._sums[outcome] += seconds

    def collect(self) -> Iterator[Metric]:
        """Hand over the counts, as prometheus-client asks for them."""
        answers = CounterMetricFamily(
            "plotroute_answers",
            "Answers, by plot, status and how they came about",
            labels=["plot", "status", "outcome"],
        )
        seconds = HistogramMetricFamily(
            "plotroute_answer_seconds", "Seconds from request to answer", labels=["outcome"]
        )
        with self._lock:
            for (plot, status, outcome), number in self._answers.items():
                answers.add_metric([plot, str(status), outcome], number)
            for outcome, numbers in self._seconds.items():
                seconds.add_metric([outcome], _cumulated(numbers), self._sums[outcome])
        yield answers
        yield seconds

    def exposition(self) -> tuple[bytes, int, str]:
        """Return the body, status and media type of `/metrics`."""
        return generate_latest(self._registry), 200, CONTENT_TYPE_LATEST


def _cumulated(numbers: list[int]) -> list[tuple[str, float]]:
    """Return the buckets as Prometheus has them: each with all that took less."""
    bounds = [*(f"{bound:g}" for bound in _BOUNDS), "+Inf"]
    return [(bound, sum(numbers[: index + 1])) for index, bound in enumerate(bounds)]
