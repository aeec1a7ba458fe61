"""Every error that plotroute answers or raises, grouped by the side that can act on it.

PlotrouteError
├── RequestError              the client can cure it: the message is shown
│   ├── InvalidParameters     400 invalid_parameters
│   ├── Unauthorized          401 unauthorized
│   ├── Forbidden             403 forbidden
│   ├── UnknownPlot           404 unknown_plot
│   ├── UnknownFormat         404 unknown_format
│   ├── UnknownSource         404 unknown_source
│   ├── MethodNotAllowed      405 method_not_allowed
│   ├── NotAcceptable         406 not_acceptable
│   ├── BodyTooSlow           408 body_too_slow
│   ├── PreconditionFailed    412 precondition_failed
│   ├── BodyTooLarge          413 body_too_large
│   ├── UrlTooLong            414 url_too_long
│   ├── UnsupportedMediaType  415 unsupported_media_type
│   └── CannotDraw            422 cannot_draw: raised by authors, with their own words
├── RenderError               the author or operator can cure it: details go to the log only
│   ├── PlotFailed            500 plot_failed
│   ├── PlotCrashed           500 plot_crashed
│   ├── OutOfMemory           500 out_of_memory
│   ├── QueueFull             503 queue_full
│   ├── Draining              503 draining
│   ├── CircuitOpen           503 circuit_open
│   ├── DatasetLoading        503 dataset_loading
│   ├── DatasetUnavailable    503 dataset_unavailable
│   └── RenderTimeout         504 render_timeout
└── SetupError                raised while the author's module loads or the server starts
    ├── BadRegistration       a plot or dataset that cannot work, with the cure
    ├── BadSetting            a setting that cannot work
    └── CannotLoad            the plots file does not import
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from plotroute.model import Frame

SHARE_FAILURES_FOR = 5.0
"""Seconds for which later requests for the same picture get the same failure: a plot that fails must not be
drawn once for each request that waits for it, one after the other."""


class PlotrouteError(Exception):
    """The base class of every error that plotroute raises on purpose."""


@dataclass(frozen=True, slots=True)
class ParameterError:
    """What is wrong with one parameter of a request.

    `code` is one of: unknown, missing, repeated, malformed, not_allowed, out_of_bounds, conflict.
    """

    parameter: str
    code: str
    message: str
    sent: str | None = None
    allowed: Sequence[Any] | None = None
    nearest: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `errors` in problem+json, without the fields that are None."""
        entry: dict[str, Any] = {"parameter": self.parameter, "code": self.code}
        for name in ("sent", "allowed", "nearest"):
            value = getattr(self, name)
            if value is not None:
                entry[name] = list(value) if name == "allowed" else value
        return entry | {"message": self.message}


class _Detailed(PlotrouteError):
    """An error with a detail: a traceback, or a text."""

    frames: tuple[Frame, ...] = ()
    """The detail in pieces, for the page that shows which of them are the author's."""

    def _set_detail(self, detail: str | Iterable[Frame]) -> None:
        if isinstance(detail, str):
            detail = (Frame(detail, names_error="\n" not in detail.strip()),) if detail else ()
        self.frames = tuple(detail)

    @property
    def detail(self) -> str:
        """The detail as text."""
        return "".join(frame.text for frame in self.frames)


class AnswerError(_Detailed):
    """An error that is the answer to a request.

    Args:
        title: What every reader may see.
        detail: What only the log and `plotroute dev` show, such as a traceback.
        headers: Headers of the response, such as `Retry-After`.
        members: Further members of the problem+json. None leaves a member out.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    cure: ClassVar[str]
    """What to do about the error. The reference of errors prints it."""
    shared: ClassVar[bool] = False
    """Whether requests for the same picture get it too, for a few seconds, instead of a new try."""
    again: bool = False
    """Whether the same request may succeed in a moment: no thread was free, or a server is starting."""

    def __init__(
        self,
        title: str,
        *,
        detail: str | Iterable[Frame] = "",
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(title)
        self.title = title
        self._set_detail(detail)
        self.headers = dict(headers or {})
        self.members = {name: value for name, value in members.items() if value is not None}

    def to_wire(self) -> dict[str, Any]:
        """Return the error as JSON for another process, where `from_wire` makes an equal error of it."""
        return {
            "code": self.code,
            "title": self.title,
            "detail": [asdict(frame) for frame in self.frames],
            "headers": self.headers,
            "members": self.members,
        }


class RequestError(AnswerError):
    """The client can cure it."""


class InvalidParameters(RequestError):
    status = 400
    code = "invalid_parameters"
    cure = "Each entry of `errors` names a parameter, what was sent and what is allowed."
    shared = True

    def __init__(self, errors: Sequence[ParameterError | dict[str, Any]], **rest: Any) -> None:
        entries = [e.to_json() if isinstance(e, ParameterError) else e for e in errors]
        rest.pop("errors", None)
        title = f"{len(entries)} parameters are wrong" if len(entries) != 1 else "1 parameter is wrong"
        super().__init__(title, **rest, errors=entries)
        self.errors = entries

    def __str__(self) -> str:
        """Return the title and what is wrong with each parameter: a notebook or a test shows only that."""
        wrong = [": ".join(filter(None, (e.get("parameter"), e.get("message")))) for e in self.errors]
        return f"{self.title}: {'; '.join(wrong)}" if wrong else self.title


class Unauthorized(RequestError):
    status = 401
    code = "unauthorized"
    cure = "Log in to the app that shows the picture: it is drawn for the logged-in user."


class Forbidden(RequestError):
    status = 403
    code = "forbidden"
    cure = "Ask the operator of the app for access."


class UnknownPlot(RequestError):
    status = 404
    code = "unknown_plot"
    cure = "`nearest` is the most similar address; `/plots.json` lists all plots."


class UnknownFormat(RequestError):
    status = 404
    code = "unknown_format"
    cure = "Use one of the formats in `allowed`."
    shared = True


class UnknownSource(RequestError):
    status = 404
    code = "unknown_source"
    cure = "A single word in place of values is the name of a source. `allowed` lists the sources."


class MethodNotAllowed(RequestError):
    status = 405
    code = "method_not_allowed"
    cure = "Use one of the methods in the `Allow` header. Plots answer GET and HEAD."


class NotAcceptable(RequestError):
    status = 406
    code = "not_acceptable"
    cure = "Send an `Accept` header with one of the types in `allowed`, or add a suffix such as `.png`."


class BodyTooSlow(RequestError):
    status = 408
    code = "body_too_slow"
    cure = "Send the body faster, or have the operator raise `PLOTROUTE_BODY_TIMEOUT`."


class PreconditionFailed(RequestError):
    status = 412
    code = "precondition_failed"
    cure = "Send no `If-None-Match` with a POST, or use GET, which answers 304."


class BodyTooLarge(RequestError):
    status = 413
    code = "body_too_large"
    cure = "Send fewer values, or have the operator raise `PLOTROUTE_MAX_BODY`."


class UrlTooLong(RequestError):
    status = 414
    code = "url_too_long"
    cure = "Send the values in a POST, or name a source of values."


class UnsupportedMediaType(RequestError):
    status = 415
    code = "unsupported_media_type"
    cure = "Send `Content-Type: application/json` and no `Content-Encoding`."


class CannotDraw(RequestError):
    """Raise it in a plot when there is nothing sensible to draw. The reader sees its text.

    Args:
        title: The text, in your own words.

    Example:
        >>> if orders.empty:
        ...     raise CannotDraw("no orders in this week")
    """

    status = 422
    code = "cannot_draw"
    cure = "The parameters are valid, but there is nothing to draw for them. The title says why."
    shared = True


class RenderError(AnswerError):
    """The author or operator can cure it. Outside of development, `detail` never leaves the server."""


class PlotFailed(RenderError):
    status = 500
    code = "plot_failed"
    cure = "The plot function raised an error. Its traceback is in the log, under the request id."
    shared = True


class PlotCrashed(RenderError):
    status = 500
    code = "plot_crashed"
    cure = "The render process ended while it drew (a crash in native code, `os._exit`). The log says how."
    shared = True


class OutOfMemory(RenderError):
    status = 500
    code = "out_of_memory"
    cure = "The plot needed more memory than `PLOTROUTE_RENDER_MEMORY`: draw fewer points, or raise it."
    shared = True


class QueueFull(RenderError):
    status = 503
    code = "queue_full"
    cure = "Too many pictures wait to be drawn. Try again after `Retry-After` seconds."


class Draining(RenderError):
    status = 503
    code = "draining"
    cure = "The server is stopping. Try again after `Retry-After` seconds."


class CircuitOpen(RenderError):
    status = 503
    code = "circuit_open"
    cure = "Drawing this picture took too long three times in a row. Try again after `Retry-After` seconds."


class DatasetLoading(RenderError):
    status = 503
    code = "dataset_loading"
    cure = (
        "A dataset takes longer to load than `PLOTROUTE_LOAD_TIMEOUT`. The load goes on, so try again soon."
    )


class DatasetUnavailable(RenderError):
    status = 503
    code = "dataset_unavailable"
    cure = "Loading a dataset failed. The traceback is in the log, under the request id."


class RenderTimeout(RenderError):
    status = 504
    code = "render_timeout"
    cure = "Drawing took longer than `PLOTROUTE_RENDER_TIMEOUT` (or the plot's `timeout=`) allows."
    shared = True


class SetupError(_Detailed):
    """Raised while the author's module loads or the server starts. The message says the cure."""


class BadRegistration(SetupError):
    """A plot or dataset cannot work as it is declared."""


class BadSetting(SetupError):
    """A setting cannot work, or two settings cannot work together."""


class CannotLoad(SetupError):
    """The plots file cannot be imported. `detail` is the traceback, from the author's first line on."""

    def __init__(self, message: str, detail: str | Iterable[Frame] = "") -> None:
        super().__init__(message)
        self._set_detail(detail)


def answer_errors(root: type[AnswerError] = AnswerError) -> Iterator[type[AnswerError]]:
    """Yield every class of error that can be an answer, in the order of the tree above."""
    for kind in root.__subclasses__():
        if hasattr(kind, "code"):
            yield kind
        yield from answer_errors(kind)


def from_wire(wire: Mapping[str, Any]) -> AnswerError:
    """Return the error that `AnswerError.to_wire` wrote."""
    kinds = {kind.code: kind for kind in answer_errors()}
    kind = kinds[wire["code"]]
    rest = {
        "detail": [Frame(**each) for each in wire["detail"]],
        "headers": wire["headers"],
        **wire["members"],
    }
    if kind is InvalidParameters:
        return InvalidParameters(**rest)
    return kind(wire["title"], **rest)
