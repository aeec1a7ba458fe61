"""A request → a picture: the page to read first is `pipeline`. Door: `Pipeline`, `IncomingRequest`."""

from __future__ import annotations

from plotroute.pipeline.pipeline import Pipeline as Pipeline
from plotroute.pipeline.requests import IncomingRequest as IncomingRequest
from plotroute.pipeline.requests import PictureRequest as PictureRequest
from plotroute.pipeline.requests import Result as Result
from plotroute.pipeline.uncached import UncachedPipeline as UncachedPipeline
