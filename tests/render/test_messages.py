"""Messages between the processes of render: each survives the wire, and nothing else is read."""

import dataclasses
import json
from typing import get_args

import pytest

from plotroute.model import DatasetRef, Frame
from plotroute.render import messages
from plotroute.render.frames import BrokenFrame, Unpacker, pack
from plotroute.render.messages import UnknownMessage, to_wire

REF = DatasetRef("orders", {"region": "EU", "days": [1, 2], "from": None})
ERROR = {"code": "plot_failed", "title": "ä", "detail": "\0", "headers": {"Retry-After": "2"}, "members": {}}
FILES = {"/data/orders.csv": "12 34", "/data/gone.csv": None}
FRAMES = (Frame("plots.py, line 1\n"), Frame("ZeroDivisionError\n", names_error=True))
PICTURE = messages.Picture(image='{"type": "image/png"}')

READERS = {
    messages.web_message: [
        messages.Hello(),
        messages.Heard(number=3),
        messages.DataChanged(id=1, datasets=("orders", "customers")),
        messages.CheckFiles(id=2),
        messages.DrawPicture(
            id=3,
            key="k",
            plot="orders/line",
            format="png",
            job="{}",
            code="c",
            data=("orders", 'orders?region="EU"'),
            timeout=10.0,
            ttl=0.0,
            request_id="r",
        ),
        messages.AskVersion(id=4, ref=REF, code="c"),
    ],
    messages.server_message: [
        messages.ManifestNews(manifest=None),
        messages.ManifestNews(manifest="{}", problem="p", problem_detail=FRAMES),
        messages.VersionsNews(code="c", versions={"orders": ("polled:1", 5.25)}),
        messages.VersionsNews(code="c", versions={}, number=7),
        messages.Reply(id=1, result=messages.Done()),
        messages.Reply(id=2, result=PICTURE),
        messages.Reply(id=2, result=dataclasses.replace(PICTURE, age=1.5)),
        messages.Reply(id=3, result=messages.FoundVersion(version="v", files=FILES)),
        messages.Reply(id=4, result=messages.Failure(error=ERROR)),
    ],
    messages.job_message: [
        messages.Draw(number=1, job="{}", own_fault=True),
        *(messages.FindVersion(number=2, how=how, ref=REF) for how in ("version", "reload", "poll")),
    ],
    messages.worker_message: [
        messages.Ready(),
        messages.Ready(failure="f", detail=FRAMES),
        messages.Begun(number=1),
        messages.DataAtHand(number=1),
        messages.TryAgain(number=1, reason="r"),
        messages.Ended(number=1, result=PICTURE),
        messages.Ended(number=1, result=messages.Failure(error=ERROR), recycle="r"),
        messages.Ended(number=1, result=messages.FoundVersion(version="v")),
    ],
    messages.zygote_news: [
        messages.Imported(manifest="{}", poll={"orders": 1.0}, files=FILES),
        messages.ImportFailed(problem="p", detail=FRAMES, files=FILES),
    ],
    messages.zygote_message: [
        messages.Forked(pid=1, role="renderer"),
        messages.WorkerEnded(pid=1, status=9),
    ],
    messages.fork_message: [messages.Fork(role="watcher")],
}
MESSAGES = [(reader, message) for reader, all_ in READERS.items() for message in all_]
IDS = [type(message).__name__ for _, message in MESSAGES]


def through_a_frame(header):
    """Return a header as the other side of a socket reads it."""
    [(read, _)] = Unpacker().feed(pack(header))
    return read


@pytest.mark.parametrize(("reader", "message"), MESSAGES, ids=IDS)
def test_a_message_survives_the_wire(reader, message):
    assert reader(through_a_frame(to_wire(message))) == message


def test_every_message_is_among_the_examples():
    unions = (
        *(messages.FromWeb, messages.FromServer, messages.ToWorker, messages.FromWorker),
        *(messages.News, messages.FromZygote),
    )
    declared = {kind for union in unions for kind in get_args(union)} | {messages.Fork}
    assert {type(message) for _, message in MESSAGES} == declared


def test_each_message_of_a_reader_has_a_name_of_its_own():
    for examples in READERS.values():
        kinds = {type(message) for message in examples}
        assert len({message.op for message in examples}) == len(kinds)


@pytest.mark.parametrize(("reader", "message"), MESSAGES, ids=IDS)
def test_a_field_too_many_or_too_few_is_refused(reader, message):
    header = to_wire(message)
    with pytest.raises(UnknownMessage):
        reader({**header, "more": 1})
    fields = dataclasses.fields(message)
    needed = [f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING]
    for name in ["op", *needed]:
        with pytest.raises(UnknownMessage):
            reader({key: value for key, value in header.items() if key != name} if len(header) > 1 else {})


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize(
    "header",
    [{}, {"op": "unknown"}, {"op": None}, {"op": ["hello"]}, {"op": {}}, {"number": 1}],
    ids=json.dumps,
)
def test_an_unknown_message_is_refused(reader, header):
    with pytest.raises(UnknownMessage):
        reader(header)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_a_message_for_another_process_is_refused(reader):
    for other, message in MESSAGES:
        if other is not reader:
            with pytest.raises(UnknownMessage):
                reader(to_wire(message))


@pytest.mark.parametrize(
    "header",
    [
        {"op": "heard", "number": "three"},
        {"op": "changed", "id": 1, "datasets": "orders"},
        {"op": "version", "id": 1, "ref": 5, "code": ""},
        {"op": "version", "id": 1, "ref": ["orders", {}], "code": ""},
        {"op": "version", "id": None, "ref": {"name": "orders"}, "code": ""},
    ],
    ids=json.dumps,
)
def test_a_value_of_another_type_is_refused(header):
    with pytest.raises(UnknownMessage):
        messages.web_message(header)


def test_an_unknown_message_ends_a_connection_as_a_broken_frame_does():
    assert issubclass(UnknownMessage, BrokenFrame)
