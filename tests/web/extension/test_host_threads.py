"""Which web server an app runs in, and how many requests it answers at once. Real ones: journeys/test_web_servers.py."""

import sys
from types import SimpleNamespace

import pytest
from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

from plotroute.web.extension import host_threads


class OfEventlet:
    """What a server reads a body from."""

    __module__ = "eventlet.wsgi"


class OfGevent:
    """What another reads a body from."""

    __module__ = "gevent.pywsgi"


SERVERS = [
    ({"SERVER_SOFTWARE": "Werkzeug/3.1", "wsgi.multithread": True}, {}, ("Werkzeug", None)),
    ({"SERVER_SOFTWARE": "Werkzeug/3.1", "wsgi.multithread": False}, {}, ("Werkzeug", 1)),
    ({"werkzeug.debug.preserve_context": print}, {}, ("the app's test client", None)),
    ({"SERVER_SOFTWARE": "Unheard/1.0", "wsgi.multithread": True}, {}, ("Unheard", 4)),
    ({}, {}, ("The web server", 1)),
    (
        {"wsgi.input": OfEventlet()},
        {"eventlet.patcher": SimpleNamespace(is_monkey_patched=lambda name: name == "thread")},
        ("eventlet", None),
    ),
    (
        {"wsgi.input": OfEventlet()},
        {"eventlet.patcher": SimpleNamespace(is_monkey_patched=lambda _: False)},
        ("eventlet", 1),
    ),
    (
        {"wsgi.input": OfGevent()},
        {"gevent.monkey": SimpleNamespace(is_module_patched=lambda name: name == "threading")},
        ("gevent", None),
    ),
    ({"wsgi.input": OfGevent()}, {}, ("gevent", 1)),
    (
        {"mod_wsgi.version": (5, 0), "wsgi.multithread": True},
        {"mod_wsgi": SimpleNamespace(threads_per_process=15)},
        ("mod_wsgi", 15),
    ),
    ({"wsgi.multithread": True}, {"uwsgi": SimpleNamespace(opt={"threads": b"6"})}, ("uWSGI", 6)),
    ({}, {"uwsgi": SimpleNamespace(opt={})}, ("uWSGI", 1)),
]


@pytest.mark.parametrize(("environ", "modules", "expected"), SERVERS)
def test_a_server_is_known_by_what_it_says(monkeypatch, environ, modules, expected):
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    found = host_threads.serving(environ)
    assert (found.name, found.threads) == expected


def test_what_to_set_is_said_once_for_each_server_that_has_few_threads(caplog, monkeypatch):
    monkeypatch.setattr(host_threads, "_announced", set())
    servers = [host_threads.WebServer("one", threads, "Set more.") for threads in (1, 4, 31, 32, 100, None)]
    for server in [*servers, *servers, None]:
        host_threads.announce(server)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3
    assert "one answers one request at a time" in said[0]
    assert "one has 4 threads: 3 requests may wait" in said[1]
    assert "one has 31 threads: 28 requests may wait" in said[2]
    assert all(text.endswith(" Set more.") for text in said)


@pytest.mark.parametrize(
    ("kind", "threads", "expected"), [("sync", 1, 1), ("gthread", 12, 12), ("gevent", 1, None)]
)
def test_gunicorn_is_known_while_it_imports_the_app(kind, threads, expected):
    worker = SimpleNamespace(cfg=SimpleNamespace(worker_class_str=kind, threads=threads))
    gunicorn = {"__name__": "gunicorn.workers.some", "hosting": host_threads}
    exec("def load(self):\n    return hosting.starting()", gunicorn)

    assert gunicorn["load"](worker).threads == expected
    assert host_threads.starting() is None


def test_waitress_serve_is_known_while_it_imports_the_app():
    waitress = {"__name__": "waitress.runner", "hosting": host_threads}
    exec("def run(kw):\n    return hosting.starting()", waitress)
    assert [waitress["run"](kw).threads for kw in ({"call": True}, {"threads": 12})] == [4, 12]


@pytest.mark.parametrize(
    ("config", "headers", "count"),
    [
        ({}, {}, 1),
        ({"TESTING": True}, {}, 0),
        ({"PLOTROUTE_THREADS": 4}, {}, 0),
        ({}, {"User-Agent": "Werkzeug/3.1"}, 0),  # of a test client
    ],
)
def test_what_to_set_is_said_with_the_first_request_for_any_view_but_not_in_an_apps_tests(
    caplog, monkeypatch, module, config, headers, count
):
    monkeypatch.setattr(host_threads, "_announced", set())
    app = Flask("host")
    app.config.update(config)
    module("from plotroute import Plots\nplots = Plots()\n").plots.init_app(app)
    for _ in range(2):
        run_wsgi_app(app, create_environ("/nothing", headers=headers, multithread=False))
    assert caplog.text.count("answers one request at a time") == count
