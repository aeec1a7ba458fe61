"""Plots are drawn in the app that answers, or not at all: never in one with another database."""

import importlib
import logging
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from plotroute.render.drawing.app_config import differing, hashes

STORE = """
from flask import Flask, current_app
from plotroute import CannotDraw, Plots

plots = Plots()

@plots.plot("told", ttl="forever")
def told(ax):
    raise CannotDraw(current_app.config["DATABASE"])

class Dev:
    DATABASE = "dev.db"
    SECRET_WORD = "hush"

class Prod(Dev):
    DATABASE = "prod.db"
    SECRET_WORD = "a secret of production"

def create_app(config=Dev, factory="{store}:create_app"):
    app = Flask(__name__)
    app.config.from_object(config)
    plots.init_app(app, factory=factory)
    return app
{top}
"""

# What the module that the web server imports says, and what its plots then show, or the keys that differ.
HOSTS = {
    "called-without-arguments": (
        "app = {store}.create_app({store}.Prod)",
        ["DATABASE", "SECRET_WORD"],
    ),
    "changed-afterwards": (
        "app = {store}.create_app()\napp.config['DATABASE'] = 'prod.db'",
        ["DATABASE"],
    ),
    "changed-by-another-module": (
        "from {store} import app\napp.config['DATABASE'] = 'prod.db'",
        ["DATABASE"],
    ),
    "an-app": ("app = {store}.create_app({store}.Prod, '{store}_wsgi:app')", "prod.db"),
    "a-function-of-the-hosts": (
        "def make():\n    return {store}.create_app({store}.Prod, '{store}_wsgi:make')\napp = make()",
        "prod.db",
    ),
    "what-may-differ": (
        "import os\ndef make():\n"
        "    app = {store}.create_app({store}.Prod, '{store}_wsgi:make')\n"
        "    app.config.update(BUILD_PID=os.getpid(), CLOCK=object(), DEBUG=os.getpid(),\n"
        "                      PLOTROUTE_IGNORED_CONFIG='STARTED, BUILD_*')\n"
        "    return app\napp = make()\napp.config.update(SERVER_NAME=None, SECRET_KEY=os.urandom(9))",
        "prod.db",
    ),
}


@pytest.mark.parametrize("host", HOSTS)
def test_a_plot_is_drawn_in_the_app_that_answers_or_not_at_all(render_server, module, caplog, host):
    store = f"store_{host.replace('-', '_')}"
    wsgi, expected = HOSTS[host]
    top = "app = create_app(factory='')" if host == "changed-by-another-module" else ""
    module(STORE.format(store=store, top=top), store)
    # As in the module of a web server, which knows the names of what it imports.
    app = module(f"import {store}\n{wsgi.format(store=store)}\n", f"{store}_wsgi").app

    with caplog.at_level(logging.ERROR):
        reply = app.test_client().get("/plots/told")

    if isinstance(expected, str):
        assert (reply.status_code, reply.json["title"]) == (422, expected)
        return
    assert (reply.status_code, reply.json["code"]) == (500, "plot_failed")
    assert "DATABASE" not in reply.text
    assert f"for: {', '.join(expected)}." in caplog.text
    assert f'PLOTROUTE_IGNORED_CONFIG="{", ".join(expected)}"' in caplog.text
    assert "prod.db" not in caplog.text
    assert "a secret" not in caplog.text


def test_modules_that_import_each_other_are_imported_in_the_order_of_the_web_server(
    render_server, module, tmp_path
):
    """app.py → routes → charts → `from circle import app`."""
    (tmp_path / "circle_routes.py").write_text("import circle_charts\n")
    (tmp_path / "circle_charts.py").write_text(
        "from circle import app\nfrom plotroute import CannotDraw, Plots\nplots = Plots()\n"
        "@plots.plot('told', ttl='forever')\ndef told(ax):\n    raise CannotDraw(app.config['DATABASE'])\n"
    )
    text = """
from flask import Flask
app = Flask(__name__)
app.config["DATABASE"] = "of the circle"
import circle_routes
circle_routes.circle_charts.plots.init_app(app{factory})
"""
    for factory in ("", ', factory="circle:app"'):
        app = module(text.format(factory=factory), "circle").app
        reply = app.test_client().get("/plots/told")
        assert (reply.status_code, reply.json["title"]) == (422, "of the circle")
        for name in ("circle", "circle_routes", "circle_charts"):
            del importlib.sys.modules[name]


# What is compared


def config_of(**config):
    app = Flask("host")
    app.config.update(config)
    return app


PLAIN = [
    "text", "", b"bytes", 1, 1.5, True, None, Decimal("1.50"), timedelta(days=1), Path("/srv"), [1, [2]],
    {"b": 1, "a": {2, 3}}, {1, "a"},
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: type(value).__name__)
def test_plain_values_are_compared(value):
    mine = hashes(config_of(KEY=value))
    assert differing(mine, hashes(config_of(KEY=value))) == []
    assert differing(mine, hashes(config_of(KEY="another"))) == ["KEY"]
    assert differing(mine, hashes(config_of())) == ["KEY"]
    assert "text" not in str(mine)


@pytest.mark.parametrize("value", [object(), len, datetime.now(UTC), [object()], {"a": print}], ids=type)
def test_what_differs_from_process_to_process_is_not_compared(value):
    assert hashes(config_of(KEY=value)) == {}


def test_an_order_that_means_nothing_is_no_difference():
    assert hashes(config_of(A={"x": 1, "y": 2}, B={"p", "q"})) == hashes(
        config_of(B={"q", "p"}, A={"y": 2, "x": 1})
    )


def test_what_is_about_requests_is_not_compared():
    assert (
        hashes(config_of(DEBUG=True, SECRET_KEY=os.urandom(8), SERVER_NAME="a.example", PLOTROUTE_WARM="x"))
        == {}
    )
    assert hashes(config_of(STARTED=1, BUILD_ID=2, KEY=3), "STARTED,BUILD_*").keys() == {"KEY"}
    assert hashes(SimpleNamespace()) == {}
