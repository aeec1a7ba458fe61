"""A pipeline for an app's tests: it keeps nothing, so a picture shows what a test has just done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from plotroute.cache.memory import in_memory
from plotroute.model import Image
from plotroute.pipeline.pipeline import Pipeline
from plotroute.pipeline.requests import PictureRequest, Result, etag_of_bytes
from plotroute.render.base import Renderer
from plotroute.settings import Settings

T = TypeVar("T")


class UncachedPipeline(Pipeline):
    """A pipeline that draws each picture anew, in the thread of the request."""

    def __init__(
        self, renderer: Renderer, settings: Settings, apart: Callable[[Callable[[], Any]], Any]
    ) -> None:
        """Make a pipeline.

        Args:
            renderer: Draws the pictures.
            settings: The settings in force.
            apart: Calls a function in the surroundings that author code has in production.
        """
        super().__init__(renderer, in_memory(0), settings)
        self._apart = apart

    def image(self, wanted: PictureRequest) -> Result:
        """Draw the picture."""
        image: Image = self._apart(partial(self._renderer.render, wanted.job))
        return Result(image, wanted.etag or etag_of_bytes(image), "live")

    def _ask(self, key: str, question: Callable[[], T]) -> T:
        answer: T = self._apart(question)
        return answer
