"""What every renderer must do, each noun sent through JSON on its way in and out."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from plotroute import errors
from plotroute.model import DatasetRef, Image, Job, Manifest, Options, from_wire, to_wire
from sketches import until

PLOTS = """
import time
from pathlib import Path

import numpy as np
import matplotlib.pyplot as plt
from plotroute import CannotDraw, Picture, Plots

plots = Plots()
loads = 0

@plots.dataset(ttl="forever")
def numbers(start: int = 0):
    return np.arange(start, start + 5.0)

@plots.dataset(version=lambda start: f"v{start}")
def versioned(start: int = 0):
    return np.arange(start, start + 5.0)

@plots.dataset(version=lambda file: Path(file).read_text())
def in_file(file: str):
    return Path(file).read_text()

@plots.dataset
def content():
    return np.arange(5.0)

@plots.dataset(ttl="forever")
def broken_data():
    raise OSError("no such disk")

@plots.plot
def line(ax, numbers):
    ax.plot(numbers)

@plots.plot
def steps(ax, versioned, content):
    ax.step(versioned, content)

@plots.plot
def told(ax, in_file):
    ax.set_title(in_file)

@plots.plot
def noise(ax, numbers):
    ax.plot(numbers, np.random.rand(5))

@plots.plot
def live(ax):
    ax.plot(np.random.rand(5))

@plots.plot
def waits(ax, folder: str):
    ax.plot([1, 2])
    Path(folder, "began").touch()
    while not Path(folder, "go").exists():
        time.sleep(0.01)

@plots.plot
def words():
    fig, ax = plt.subplots()
    return Picture(fig, alt="nothing at all")

@plots.plot
def titled(ax, numbers, title: str = ""):
    ax.plot(numbers)
    ax.set_title(title)

@plots.plot
def refuses(numbers):
    raise CannotDraw("no orders in this week")

@plots.plot
def fails(numbers):
    return 1 / 0

@plots.plot
def returns_nothing(numbers):
    pass

@plots.plot
def leaves(numbers):
    raise SystemExit(3)

@plots.plot
def hungry(numbers):
    raise MemoryError

@plots.plot
def reads_broken(ax, broken_data):
    pass
"""


class Wired:
    """A renderer behind a wire: only JSON and bytes pass."""

    def __init__(self, renderer):
        self._renderer = renderer

    def manifest(self):
        return from_wire(Manifest, *to_wire(self._renderer.manifest()))

    def known(self, ref):
        return json.loads(json.dumps(self._renderer.known(DatasetRef(ref.name, dict(ref.values)))))

    def versions(self, *refs):
        sent = json.loads(json.dumps([[ref.name, dict(ref.values)] for ref in refs]))
        found = self._renderer.versions([DatasetRef(name, values) for name, values in sent])
        return json.loads(json.dumps(dict(found)))

    def render(self, job):
        try:
            return from_wire(Image, *to_wire(self._renderer.render(from_wire(Job, *to_wire(job)))))
        except errors.AnswerError as error:
            raise errors.from_wire(json.loads(json.dumps(error.to_wire()))) from None


class Conformance:
    """Subclass it with a fixture `make_renderer` that returns a renderer of a plots file's text."""

    @pytest.fixture
    def renderer(self, make_renderer):
        return Wired(make_renderer(PLOTS))

    def draw(self, renderer, plot, values=None, **job):
        return renderer.render(Job(plot=plot, values=values or {}, **job))


class CatalogConformance(Conformance):
    """What every `CatalogSource` must do."""

    def test_the_manifest_says_what_there_is(self, renderer):
        plots = {plot.name: plot for plot in renderer.manifest().plots}
        assert plots["numbers/line"].addresses == ("/plots/numbers/line",)
        assert [parameter.name for parameter in plots["numbers/line"].params] == ["start"]
        assert plots["numbers/line"].freshness == "keyed"
        assert plots["live"].freshness == "live"


class VersionConformance(Conformance):
    """What every `VersionSource` must do."""

    def test_versions_are_found_out(self, renderer):
        asked = [DatasetRef("versioned", {"start": 3}), DatasetRef("content")]
        versions = renderer.versions(*asked)
        assert versions["versioned?start=3"] == "polled:v3"
        assert versions["content"].startswith("content:")
        assert renderer.versions(*asked) == versions

    def test_a_version_is_known_once_it_was_found_out(self, renderer):
        # Nobody else asks for these: renderers may be shared by tests.
        ref = DatasetRef("versioned", {"start": 101})
        assert renderer.known(ref) is None
        assert renderer.versions(ref) == {ref.id: "polled:v101"}
        assert until(lambda: renderer.known(ref)) == "polled:v101"

    def test_what_is_known_is_what_pictures_are_drawn_from(self, renderer):
        refs = [DatasetRef("versioned", {"start": 102}), DatasetRef("content")]
        renderer.versions(*refs)
        image = self.draw(renderer, "versioned/steps", {"start": 102})
        assert {ref.id: until(lambda ref=ref: renderer.known(ref)) for ref in refs} == image.versions
        assert renderer.known(DatasetRef("versioned", {"start": 103})) is None

    def test_nobody_is_asked_for_what_is_known(self, renderer, tmp_path):
        """Not the author's code either, which loads and draws one after the other."""
        ref = DatasetRef("versioned", {"start": 104})
        renderer.versions(ref)
        assert until(lambda: renderer.known(ref))
        with ThreadPoolExecutor(1) as another:
            drawing = another.submit(self.draw, renderer, "waits", {"folder": str(tmp_path)}, live=True)
            try:
                until((tmp_path / "began").exists)
                assert renderer.known(ref) == "polled:v104"
                assert renderer.known(DatasetRef("versioned", {"start": 105})) is None
                assert not drawing.done()
            finally:
                (tmp_path / "go").touch()
            drawing.result()


class DrawConformance(Conformance):
    """What every `Drawer` must do."""

    def test_a_picture_says_which_data_it_was_drawn_from(self, renderer):
        image = self.draw(renderer, "versioned/steps", {"start": 1})
        assert image.type == "image/png"
        assert image.body.startswith(b"\x89PNG")
        assert set(image.timings) == {"data", "draw", "encode"}
        assert image.versions == renderer.versions(
            DatasetRef("versioned", {"start": 1}), DatasetRef("content")
        )

    def test_data_that_has_changed_is_loaded_for_whoever_has_seen_it(self, renderer, tmp_path):
        file = tmp_path / "words.txt"
        ref = DatasetRef("in_file", {"file": str(file)})
        bodies = []
        for words in ("first", "second"):
            file.write_text(words)
            job = {"values": {"file": str(file)}, "versions": {ref.id: f"polled:{words}"}}
            image = self.draw(renderer, "in_file/told", **job)
            assert image.versions == {ref.id: f"polled:{words}"}
            bodies.append(image.body)
        assert bodies[0] != bodies[1]

    @pytest.mark.parametrize("format", ["png", "svg", "pdf", "webp", "jpg"])
    def test_the_same_job_gives_the_same_bytes(self, renderer, format):
        job = {"values": {"start": 2}, "format": format, "explicit_format": True}
        one, other = (self.draw(renderer, "numbers/noise", **job) for _ in range(2))
        assert one.body == other.body

    def test_a_live_job_does_not(self, renderer):
        assert self.draw(renderer, "live", live=True).body != self.draw(renderer, "live", live=True).body

    def test_options_are_followed(self, renderer):
        image = self.draw(
            renderer, "numbers/line", {"start": 0}, options=Options(width=300, height=200, dpr=2.0)
        )
        assert int.from_bytes(image.body[16:20]) == 600
        assert int.from_bytes(image.body[20:24]) == 400

    def test_words_come_with_the_picture(self, renderer):
        assert self.draw(renderer, "words", live=True).alt == "nothing at all"

    def test_text_of_the_query_is_not_parsed(self, renderer):
        for text in (r"$\sin_$", "costs $4 and $5", "$x^2$"):
            literal = self.draw(renderer, "numbers/titled", {"start": 0, "title": text}, texts=(text,))
            assert literal.body.startswith(b"\x89PNG")

    def test_an_error_does_not_change_the_next_picture(self, renderer):
        before = self.draw(renderer, "numbers/line", {"start": 0}).body
        for plot in ("refuses", "fails", "returns_nothing", "leaves", "hungry"):
            with pytest.raises(errors.AnswerError):
                self.draw(renderer, f"numbers/{plot}", {"start": 0})
            assert self.draw(renderer, "numbers/line", {"start": 0}).body == before

    @pytest.mark.parametrize(
        ("plot", "kind", "title", "detail"),
        [
            ("numbers/refuses", errors.CannotDraw, "no orders in this week", ""),
            ("numbers/fails", errors.PlotFailed, "The plot's code raised an error", "ZeroDivisionError"),
            ("numbers/leaves", errors.PlotFailed, "The plot's code raised an error", "SystemExit"),
            ("numbers/hungry", errors.OutOfMemory, "The plot ran out of memory", "MemoryError"),
            ("broken_data/reads_broken", errors.DatasetUnavailable, "Loading data failed", "no such disk"),
            ("numbers/returns_nothing", errors.PlotFailed, "The plot did not return a picture", "return fig"),
        ],
    )
    def test_what_went_wrong_is_told(self, renderer, plot, kind, title, detail):
        values = {} if plot.startswith("broken") else {"start": 0}
        with pytest.raises(kind) as caught:
            self.draw(renderer, plot, values)
        assert caught.value.title == title
        assert detail in caught.value.detail
        assert "src/plotroute" not in caught.value.detail


class RendererConformance(CatalogConformance, VersionConformance, DrawConformance):
    """What every `Renderer` must do, whose parts may be apart."""
