"""A plot that fails is told to the tools of the app around it: signals, the log, and its error handlers."""

import logging

import pytest
from flask import Flask, got_request_exception

from plotroute.errors import AnswerError, CannotDraw, PlotFailed, RenderError

SHOP = """
from plotroute import CannotDraw, Plots

plots = Plots()

@plots.plot("fails")
def fails(ax):
    raise LookupError("a secret of the plot")

@plots.dataset
def missing():
    raise OSError("no such table")

@plots.plot("lacks/data")
def lacks(ax, missing): ...

@plots.plot("nothing")
def nothing():
    return 5

@plots.plot("refuses")
def refuses(ax):
    raise CannotDraw("no orders")
"""


@pytest.fixture
def app(module):
    shop = module(SHOP)
    app = Flask("host")
    app.config["PLOTROUTE_RENDER_MODE"] = "inprocess"
    shop.plots.init_app(app)
    return app


@pytest.mark.parametrize(
    ("path", "note"),
    [
        ("/plots/fails", "LookupError: a secret of the plot"),
        ("/plots/fails.svg", "LookupError: a secret of the plot"),
        ("/plots/nothing", "a number (5)"),
        ("/plots/refuses", None),
        ("/plots/lacks/data", None),
        ("/plots/fails?n=1", None),
    ],
)
def test_a_failure_is_a_signal_and_on_the_log_record_and_nothing_else_is(app, caplog, path, note):
    told = []
    with (
        got_request_exception.connected_to(lambda _, exception: told.append(exception), app),
        caplog.at_level(logging.ERROR),
    ):
        for _ in range(2):
            reply = app.test_client().get(path)
    if note is None:
        assert told == []
        assert reply.status_code in (400, 422, 503)
        return
    assert [type(error) for error in told] == [PlotFailed] * 2
    assert note in "".join(told[0].__notes__)
    assert len(told[1].__notes__) == 1
    errors = [record.error for record in caplog.records if hasattr(record, "error")]
    assert [error.to_wire() for error in errors] == [error.to_wire() for error in told]
    assert [error.__traceback__ for error in errors] == [None, None]  # it would keep the app
    assert note not in reply.text


def asked(app, path="/plots/fails", **headers):
    reply = app.test_client().get(path, headers=headers)
    return reply.status_code, reply.text


@pytest.mark.parametrize("kind", [PlotFailed, RenderError, AnswerError])
def test_a_handler_of_the_app_for_these_errors_answers(app, kind):
    app.register_error_handler(kind, lambda error: (f"handled {type(error).__name__}", 599))
    assert asked(app) == asked(app, Accept="image/*") == (599, "handled PlotFailed")
    refused = asked(app, "/plots/refuses")
    assert refused == (599, "handled CannotDraw") if kind is AnswerError else refused[0] == 422


def test_the_nearest_handler_answers_and_those_of_views_do_not(app):
    for kind in (Exception, 500, 503, 422):
        app.register_error_handler(kind, lambda error: ("a page", 418))
    assert [asked(app, path)[0] for path in ("/plots/fails", "/plots/refuses", "/plots/lacks/data")] == [
        500,
        422,
        503,
    ]
    app._got_first_request = False
    app.register_error_handler(AnswerError, lambda error: ("any", 598))
    app.register_error_handler(CannotDraw, lambda error: {"said": error.title})
    assert asked(app)[0] == 598
    assert app.test_client().get("/plots/refuses").json == {"said": "no orders"}
    assert "X-Request-ID" in app.test_client().get("/plots/refuses").headers
