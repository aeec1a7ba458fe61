"""What every encoder, and every drawing surface, promises: a test of one says how to make its values."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image

from plotroute.encode import find, surface_for, surfaces
from plotroute.encode.base import Encoded, Encoder, LeadsNowhere, NotAFigure, Surface, Target
from plotroute.errors import CannotDraw
from plotroute.model import IMAGE_TYPES, Options

RASTERS = ("png", "webp", "jpg")


def open_image(encoded: Encoded) -> Image.Image:
    image = Image.open(io.BytesIO(encoded.body))
    image.load()
    return image


def size_of(encoded: Encoded) -> tuple[float, float]:
    """Pixels of a raster; CSS pixels of an SVG; 1/100 inches of a PDF, and of an SVG in its own size."""
    if encoded.type == "image/svg+xml":
        root = re.search(rb'<svg\b[^>]*? width="([\d.]+)(p[xt])" height="([\d.]+)p[xt]"', encoded.body)
        assert root is not None
        unit = 0.72 if root[2] == b"pt" else 1
        return round(float(root[1]) / unit, 3), round(float(root[3]) / unit, 3)
    if encoded.type == "application/pdf":
        root = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", encoded.body)
    else:
        return open_image(encoded).size
    assert root is not None
    return round(float(root[1]) / 0.72, 3), round(float(root[2]) / 0.72, 3)


def magic(body: bytes) -> str:
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    for start, kind in (
        (b"\x89PNG", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"%PDF-", "application/pdf"),
    ):
        if body.startswith(start):
            return kind
    return "image/svg+xml" if b"<svg" in body[:2000] else "unknown"


class Conformance:
    """Subclass it as `TestX` with the encoder, and a fresh value for every call."""

    encoder: Encoder
    formats: tuple[str, ...] = tuple(IMAGE_TYPES)
    sized: tuple[str, ...] = tuple(IMAGE_TYPES)
    """Formats in which it keeps the size contract."""

    def value(self, format: str) -> Any:
        raise NotImplementedError

    def test_it_is_found_for_its_values(self) -> None:
        for format in self.formats:
            assert type(find(self.value(format))) is type(self.encoder)

    def test_it_leaves_other_values_alone(self) -> None:
        for other in (None, "plot.png", 3.0, object(), [], {}, print):
            assert not self.encoder.accepts(other)

    def test_what_a_value_leads_to_is_the_same_picture(self) -> None:
        for format in self.formats:
            target = Target(format=format, explicit_format=True, salt="salt")
            resolved = self.encoder.resolve(self.value(format))
            assert self.encoder.accepts(resolved)
            assert self.encoder.resolve(resolved) is resolved
            assert self.encoder.encode(resolved, target) == self.encoder.encode(self.value(format), target)

    def test_body_and_media_type_agree_in_every_format(self) -> None:
        for format in self.formats:
            encoded = self.encoder.encode(self.value(format), Target(format=format, explicit_format=True))
            assert type(encoded.body) is bytes
            assert encoded.type == IMAGE_TYPES[format] == magic(encoded.body)

    def test_same_value_and_target_same_bytes(self) -> None:
        for format in self.formats:
            for options in (Options(), Options(width=200, dpr=2)):
                target = Target(format=format, explicit_format=True, options=options, salt="salt")
                one, two = (self.encoder.encode(self.value(format), target) for _ in range(2))
                assert one == two

    @pytest.mark.parametrize("box", [(320, 240), (800, 200), (200, 801), (33, 77), (1, 500), (3, 2)])
    @pytest.mark.parametrize("dpr", [None, 1, 1.5, 2, 3, 4])
    def test_size_is_exact(self, box: tuple[int, int], dpr: float | None) -> None:
        # Vectors have no pixels, and what is to become of the pixels is the same for all rasters.
        formats = {1: ("png",), 1.5: RASTERS, 3: ("png",), 4: ("png",)}.get(dpr or 0, self.sized)
        for format in set(formats) & set(self.sized):
            options = Options(width=box[0], height=box[1], dpr=dpr)
            encoded = self.encoder.encode(
                self.value(format), Target(format=format, explicit_format=True, options=options)
            )
            factor = (dpr or 1) if format in RASTERS else 1
            assert size_of(encoded) == (round(box[0] * factor), round(box[1] * factor))

    def test_declared_size_is_the_default_and_gives_the_ratio(self) -> None:
        for format in self.sized:
            for options, expected in (
                (Options(), (300, 100)),
                (Options(width=150), (150, 50)),
                (Options(height=50), (150, 50)),
            ):
                target = Target(format=format, explicit_format=True, options=options, size=(300, 100))
                assert size_of(self.encoder.encode(self.value(format), target)) == expected

    def test_too_many_pixels_are_refused(self) -> None:
        for format in set(self.sized) & set(RASTERS):
            for options in (
                Options(width=20_000, height=20_000),
                Options(width=1000, height=600, dpr=2),
                Options(width=50_000, height=2),
            ):
                target = Target(format=format, explicit_format=True, options=options, max_pixels=1_000_000)
                with pytest.raises(CannotDraw, match="pixels, more than the"):
                    self.encoder.encode(self.value(format), target)

    def test_too_many_bytes_are_refused(self) -> None:
        for format in self.formats:
            with pytest.raises(CannotDraw, match="more than the 100 bytes allowed"):
                self.encoder.encode(
                    self.value(format), Target(format=format, explicit_format=True, max_bytes=100)
                )


class SurfaceConformance:
    """Subclass it as `TestX` with the surface, and how its figures are drawn on, made and described."""

    surface: Surface

    def draw_on(self, arguments: Any) -> None:
        """Draw on what was given, as a plot function does."""
        raise NotImplementedError

    def open_figure(self) -> Any:
        """Make a figure as an author does who asks for none, and draw on it."""
        raise NotImplementedError

    def change_setting(self) -> str:
        """Change a setting that figures read when they are made; return its name."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _no_figure_is_open(self) -> Any:
        reset = self.surface.snapshot()
        with self.surface.set_aside():
            yield
            reset()

    def test_it_is_found_by_the_arguments_that_it_makes(self) -> None:
        assert type(self.surface) in map(type, surfaces())
        assert type(surface_for(self.surface.makes)) is type(self.surface)

    def test_a_function_is_given_what_it_asks_for_and_no_more(self) -> None:
        for names in ([], *([name] for name in self.surface.makes), list(self.surface.makes)):
            given = self.surface.give(names, None)
            assert set(given.arguments) == set(names)
            assert (given.figure is None) == (not names)

    def test_what_is_drawn_on_the_given_figure_is_the_picture(self) -> None:
        reset = self.surface.snapshot()
        for name in self.surface.makes:
            reset()
            given = self.surface.give([name], None)
            self.draw_on(given.arguments)
            assert given.picture(None) is given.figure
            assert given.picture(given.figure) is given.figure
            assert find(given.figure).accepts(given.figure)

    def test_a_figure_left_open_is_the_picture_until_the_reset(self) -> None:
        reset = self.surface.snapshot()
        given = self.surface.give([], None)
        figure = self.open_figure()
        assert given.picture(None) is figure
        reset()
        with pytest.raises(NotAFigure, match="closed"):
            given.picture(None)
        with pytest.raises(NotAFigure, match="returned nothing"):
            self.surface.give([], None).picture(None)

    def test_of_several_open_figures_none_is_the_picture(self) -> None:
        given = self.surface.give([], None)
        self.open_figure()
        self.open_figure()
        with pytest.raises(NotAFigure, match="which is the picture"):
            given.picture(None)

    def test_figures_set_aside_are_no_pictures_and_come_back(self) -> None:
        figure = self.open_figure()
        given = self.surface.give([], None)
        with self.surface.set_aside(), pytest.raises(NotAFigure):
            given.picture(None)
        assert given.picture(None) is figure

    def test_an_untouched_figure_is_no_picture_unless_its_author_says_so(self) -> None:
        given = self.surface.give(list(self.surface.makes), None)
        with pytest.raises(NotAFigure, match="nothing was drawn"):
            given.picture(None)
        with pytest.raises(LeadsNowhere, match="a number"):
            given.picture(None, LeadsNowhere("a number"))
        assert given.picture(given.figure, deliberate=True) is given.figure

    def test_what_another_encoder_takes_stays_the_picture(self) -> None:
        body = b"\x89PNG"
        for names in ([], list(self.surface.makes)):
            assert self.surface.give(names, None).picture(body) is body

    def test_a_figure_has_its_declared_size_or_the_natural_one(self) -> None:
        for declared, expected in ((None, self.surface.natural_size()), ((300, 120), (300, 120))):
            given = self.surface.give(list(self.surface.makes), declared)
            self.draw_on(given.arguments)
            encoded = find(given.figure).encode(given.figure, Target(options=Options(dpr=1)))
            assert open_image(encoded).size == expected

    def test_a_theme_changes_the_background_of_what_is_made_afterwards(self) -> None:
        backgrounds = [self.surface.background()]
        for theme in ("light", "dark"):
            self.surface.apply_theme(theme)
            backgrounds.append(self.surface.background())
        assert all(re.fullmatch("#[0-9a-f]{6}", color) for color in backgrounds)
        assert backgrounds[1] != backgrounds[2]

    def test_a_setting_that_comes_after_the_figure_is_known_to_be_late(self) -> None:
        setting = self.change_setting()
        assert self.surface.give(list(self.surface.makes), None).is_read_already(setting)
        assert not self.surface.give([], None).is_read_already(setting)

    def test_a_text_of_the_query_is_drawn_as_it_is_during_a_drawing_alone(self) -> None:
        def size(texts: tuple[str, ...]) -> Any:
            with self.surface.set_aside(), self.surface.drawing(texts, size):
                return self.text_width("$\\frac{1}{2}$")

        as_markup = size(())
        assert size(("$\\frac{1}{2}$",)) != as_markup
        assert size(()) == as_markup

    def text_width(self, text: str) -> float:
        """Return how wide the library draws `text`."""
        raise NotImplementedError

    def test_it_draws_without_windows(self) -> None:
        with self.surface.without_windows():
            figure = self.open_figure()
            assert find(figure).encode(figure, Target()).type == IMAGE_TYPES["png"]
