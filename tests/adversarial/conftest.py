"""The server that cases share, and the pictures that plots give without one."""

import pytest

from adversarial.alone import drawn_alone
from adversarial.servers import Server, launch

GOLDENS = ("GET /sine.png", "GET /sine.png?freq=2", "GET /sine.png?freq=3", "GET /formula.png")


@pytest.fixture(scope="session")
def goldens():
    """Each picture by itself, from an interpreter of its own."""
    return {request: drawn_alone([request])[request] for request in GOLDENS}


class Shared:
    """One server for many cases; after a case that went wrong the next one gets another."""

    def __init__(self) -> None:
        self._server: Server | None = None

    def get(self) -> Server:
        if self._server is None:
            self._server = launch()
            self._server.await_ready()
            self._server.warm_up()
        return self._server

    def drop(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server = None


@pytest.fixture(scope="session")
def shared():
    shared = Shared()
    yield shared
    shared.drop()
