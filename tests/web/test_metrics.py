"""The counts that operators read, in Prometheus' format."""

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from plotroute.web.metrics import Metrics
from sketches import World


def read(metrics):
    """Return (name, labels) → value, as Prometheus would read it."""
    body, status, media_type = metrics.exposition()
    assert (status, media_type.partition(";")[0]) == (200, "text/plain")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def answers(metrics, plot, status, outcome):
    labels = ("outcome", outcome), ("plot", plot), ("status", status)
    return read(metrics).get(("plotroute_answers_total", *labels))


def buckets(metrics, outcome):
    return {
        float(dict(labels)["le"]): value
        for (name, *labels), value in read(metrics).items()
        if name == "plotroute_answer_seconds_bucket" and ("outcome", outcome) in labels
    }


def test_before_the_first_answer_there_is_nothing_to_count():
    assert read(Metrics()) == {}


def test_answers_are_counted_by_plot_status_and_outcome():
    metrics = Metrics()
    metrics.count([("a", 200, "hit", 0.001), ("a", 200, "hit", 0.001), ("b", 200, "hit", 0.001)])
    metrics.count([("a", 304, "not-modified", 0.001), ("a", 200, "miss", 1.0)])
    assert answers(metrics, "a", "200", "hit") == 2
    assert answers(metrics, "b", "200", "hit") == 1
    assert answers(metrics, "a", "304", "not-modified") == 1
    assert answers(metrics, "a", "200", "miss") == 1
    assert answers(metrics, "b", "200", "miss") is None


def test_seconds_are_told_by_outcome_with_their_sum_and_number():
    metrics = Metrics()
    metrics.count([("a", 200, "hit", 0.002), ("b", 200, "hit", 0.003), ("a", 200, "miss", 2.0)])
    found = read(metrics)
    assert found["plotroute_answer_seconds_sum", ("outcome", "hit")] == pytest.approx(0.005)
    assert found["plotroute_answer_seconds_count", ("outcome", "hit")] == 2
    assert found["plotroute_answer_seconds_count", ("outcome", "miss")] == 1


def test_each_bucket_has_all_that_took_no_longer():
    metrics = Metrics()
    metrics.count(("a", 200, "hit", seconds) for seconds in (0.0001, 0.0005, 0.00051, 0.3, 10.0, 11.0))
    found = buckets(metrics, "hit")
    bounds = (0.0005, 0.001, 0.25, 0.5, 10.0, math.inf)
    assert [found[bound] for bound in bounds] == [2, 3, 3, 4, 5, 6]
    assert list(found.values()) == sorted(found.values())


def test_a_name_of_a_plot_may_hold_anything():
    metrics = Metrics()
    metrics.count([('of/<a>/"b"\\\n', 200, "hit", 0.0)])
    assert answers(metrics, 'of/<a>/"b"\\\n', "200", "hit") == 1


def test_of_many_threads_no_count_is_lost():
    metrics = Metrics()
    with ThreadPoolExecutor(8) as threads:
        for _ in range(200):
            threads.submit(metrics.count, [("a", 200, "hit", 0.001)] * 10)
        for _ in range(20):
            read(metrics)
    assert answers(metrics, "a", "200", "hit") == buckets(metrics, "hit")[math.inf] == 2000


def test_two_servers_count_for_themselves():
    one, other = Metrics(), Metrics()
    one.count([("a", 200, "hit", 0.001)])
    assert read(other) == {}


def test_the_page_has_what_was_answered_before_it():
    world = World()
    for path in ("/plots/line", "/plots/line", "/plots/lime", "/plots/fails", "/healthz"):
        world.get(path)
    page = world.get("/metrics")
    assert page.headers["Cache-Control"] == "no-store"
    lines = page.text.splitlines()
    assert 'plotroute_answers_total{outcome="miss",plot="line",status="200"} 1.0' in lines
    assert 'plotroute_answers_total{outcome="hit",plot="line",status="200"} 1.0' in lines
    assert 'plotroute_answers_total{outcome="unknown_plot",plot="-",status="404"} 1.0' in lines
    assert 'plotroute_answers_total{outcome="plot_failed",plot="fails",status="500"} 1.0' in lines
    assert 'plotroute_answers_total{outcome="-",plot="-",status="200"} 1.0' in lines
    assert "# TYPE plotroute_answers_total counter" in lines
    assert "# TYPE plotroute_answer_seconds histogram" in lines


def test_nothing_that_a_request_says_becomes_a_label():
    world = World()
    for path in ("/plots/of/secret/revenue", "/secret", "/plots/line?method=secret", "/plots/line?_=secret"):
        for _ in range(3):
            world.get(path, X_Request_ID="secret", Accept="image/png, a/secret")
    world.access_log.flush()
    assert "secret" not in world.get("/metrics").text
