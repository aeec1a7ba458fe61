"""Messages between the processes of render: a dataclass for each, and its form as JSON.

A frame (`frames`) holds one message and the bytes behind it. `op` names the message; a process reads only
the messages that are meant for it, and refuses an unknown one, a missing field and a field too many.

    web process   → render server   Hello, Heard, DataChanged, CheckFiles, DrawPicture, AskVersion
    render server → web process     ManifestNews, VersionsNews, Reply
    render server → worker          Draw, FindVersion
    worker        → render server   Ready, Begun, DataAtHand, TryAgain, Ended
    render server → zygote          Fork
    zygote        → render server   Imported, ImportFailed, Forked, WorkerEnded
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from plotroute.model import DatasetRef, Frame
from plotroute.render.frames import BrokenFrame, Header


class UnknownMessage(BrokenFrame):
    """The frame is whole, but holds no message that its reader knows."""


class _Message:
    """What all messages share: a field that is not declared is refused."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(_Message):
    """A drawing has ended well; the bytes of the picture are behind the message."""

    op: Literal["picture"] = "picture"
    image: str
    """The header of the `model.Image`, as JSON."""
    age: float | None = None
    """Seconds since it was drawn, where the render server has kept it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundVersion(_Message):
    """The version of some data, and the files that its load has read, each with its state."""

    op: Literal["found_version"] = "found_version"
    version: str
    files: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(_Message):
    """An `AnswerError`, as `AnswerError.to_wire` returns it."""

    op: Literal["failure"] = "failure"
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(_Message):
    """The request was carried out, and has no other result."""

    op: Literal["done"] = "done"


Result = Picture | FoundVersion | Failure | Done
_Result = Annotated[Result, Field(discriminator="op")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(_Message):
    """A web process has connected: send it the manifest and all known versions."""

    op: Literal["hello"] = "hello"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(_Message):
    """The web process has read the news of that number."""

    op: Literal["heard"] = "heard"
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChanged(_Message):
    """Datasets have changed: reply once all web processes have forgotten their versions."""

    op: Literal["changed"] = "changed"
    id: int = 0
    datasets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFiles(_Message):
    """Look at the author's files now: reply once a saved change is loaded."""

    op: Literal["check"] = "check"
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawPicture(_Message):
    """Draw a picture. The fields beside `job` spare the render server from reading it."""

    op: Literal["render"] = "render"
    id: int = 0
    key: str
    """Requests with the same key share one drawing."""
    plot: str
    format: str
    job: str
    """The `model.Job`, as JSON."""
    code: str
    """The version of the author's code that the request was read with."""
    data: tuple[str, ...]
    """Ids of the data that the plot reads."""
    timeout: float
    """Seconds that the drawing may take once its data is at hand."""
    ttl: float
    """Seconds for which the picture is kept for other requests."""
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskVersion(_Message):
    """Return the version of some data, from polling or loading it where it is not known."""

    op: Literal["version"] = "version"
    id: int = 0
    ref: DatasetRef
    code: str


Request = DataChanged | CheckFiles | DrawPicture | AskVersion
"""Messages of a web process that the render server replies to."""

FromWeb = Hello | Heard | Request


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestNews(_Message):
    """The newest version of the code that loads, and why a newer one does not load."""

    op: Literal["manifest"] = "manifest"
    manifest: str | None
    """The `model.Manifest`, as JSON; None while there is none."""
    problem: str = ""
    problem_detail: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsNews(_Message):
    """All known versions of data, for a version of the code."""

    op: Literal["versions"] = "versions"
    code: str
    versions: Mapping[str, tuple[str, float]]
    """Id of data → its version, and when it was learned, on the clock that all processes share."""
    number: int | None = None
    """Reply with `Heard` of this number: the news ends a `DataChanged`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(_Message):
    """The result of the request with that id."""

    op: Literal["reply"] = "reply"
    id: int
    result: _Result


FromServer = ManifestNews | VersionsNews | Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw(_Message):
    """Draw a picture."""

    op: Literal["draw"] = "draw"
    number: int = 0
    """Of the job: all that the worker sends about it has the same."""
    job: str
    """The `model.Job`, as JSON."""
    own_fault: bool = False
    """If the plot fails, the fault is known to be its own, and not that of an earlier drawing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindVersion(_Message):
    """Find out the version of some data."""

    op: Literal["find_version"] = "find_version"
    number: int = 0
    how: Literal["version", "reload", "poll"]
    """`version`: the known one or, if there is none, as the dataset declares. `reload`: load the data again.
    `poll`: call the declared `version=`."""
    ref: DatasetRef


ToWorker = Draw | FindVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(_Message):
    """The worker takes jobs. With a `failure` it answers every job with that, and draws none."""

    op: Literal["ready"] = "ready"
    failure: str | None = None
    detail: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun(_Message):
    """The worker has read its job."""

    op: Literal["begun"] = "begun"
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAtHand(_Message):
    """The data of the job is loaded: the clock of the drawing starts."""

    op: Literal["data_at_hand"] = "data_at_hand"
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgain(_Message):
    """The worker cannot do this job well: another worker is to do it, and this one ends."""

    op: Literal["try_again"] = "try_again"
    number: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(_Message):
    """The job has ended. With a reason to `recycle` it, the worker is replaced."""

    op: Literal["ended"] = "ended"
    number: int
    result: _Result
    recycle: str | None = None


AboutJob = Begun | DataAtHand | TryAgain | Ended
"""Messages of a worker that belong to the job of their number."""

FromWorker = Ready | AboutJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork(_Message):
    """Fork one more worker of that role."""

    op: Literal["fork"] = "fork"
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported(_Message):
    """The author's code is imported."""

    op: Literal["imported"] = "imported"
    manifest: str
    poll: Mapping[str, float]
    """Dataset → seconds between calls of its declared `version=`."""
    files: Mapping[str, Any]
    """The files that the import has read, each with its state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFailed(_Message):
    """The author's code does not load."""

    op: Literal["import_failed"] = "import_failed"
    problem: str
    detail: tuple[Frame, ...]
    files: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forked(_Message):
    """A new worker. The ends of its channel and of its output come with the message."""

    op: Literal["forked"] = "forked"
    pid: int
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEnded(_Message):
    """A worker has ended with that status, as `os.waitpid` returns it."""

    op: Literal["worker_ended"] = "worker_ended"
    pid: int
    status: int


News = Imported | ImportFailed
"""What a zygote says once."""

FromZygote = Forked | WorkerEnded


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@functools.cache
def _union(kinds: Any) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[kinds, Field(discriminator="op")])


def to_wire(message: _Message) -> Header:
    """Return a message as the header of a frame.

    Example: `to_wire(Heard(number=3))` is `{"op": "heard", "number": 3}`.
    """
    kind: Any = type(message)
    header: Header = _adapter(kind).dump_python(message)
    return header


def web_message(header: Header) -> FromWeb:
    """Return the message of a web process; UnknownMessage if it is none."""
    message: FromWeb = _read(_union(FromWeb), header)
    return message


def server_message(header: Header) -> FromServer:
    """Return the message of a render server to a web process; UnknownMessage if it is none."""
    message: FromServer = _read(_union(FromServer), header)
    return message


def job_message(header: Header) -> ToWorker:
    """Return the message of a render server to a worker; UnknownMessage if it is none."""
    message: ToWorker = _read(_union(ToWorker), header)
    return message


def worker_message(header: Header) -> FromWorker:
    """Return the message of a worker; UnknownMessage if it is none."""
    message: FromWorker = _read(_union(FromWorker), header)
    return message


def zygote_news(header: Header) -> News:
    """Return what a zygote says about its import; UnknownMessage if it is none of that."""
    message: News = _read(_union(News), header)
    return message


def zygote_message(header: Header) -> FromZygote:
    """Return the message of a zygote about its workers; UnknownMessage if it is none."""
    message: FromZygote = _read(_union(FromZygote), header)
    return message


def fork_message(header: Header) -> Fork:
    """Return the message of a render server to a zygote; UnknownMessage if it is none."""
    message: Fork = _read(_adapter(Fork), header)
    return message


def _read(adapter: TypeAdapter[Any], header: Header) -> Any:
    if "op" not in header:
        raise UnknownMessage("not a message: it has no op")
    try:
        return adapter.validate_python(header)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "op"
        raise UnknownMessage(f"not a message: {place}: {first['msg']}") from None


def prepare() -> None:
    """Build the readers and writers now (0.1 s): in a render server, once for all its forks."""
    for union in (FromWeb, FromServer, ToWorker, FromWorker, News, FromZygote):
        _union(union)
        for kind in get_args(union):
            _adapter(kind)
    _adapter(Fork)
