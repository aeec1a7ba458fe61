"""A request → a picture: the page to read first is `pipeline`. Door: `Pipeline`."""

from __future__ import annotations

from plotroute.pipeline.pipeline import Pipeline as Pipeline
from plotroute.pipeline.pipeline import UncachedPipeline as UncachedPipeline
from plotroute.pipeline.requests import PictureRequest as PictureRequest
from plotroute.pipeline.requests import Result as Result
