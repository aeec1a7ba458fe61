"""Write a PDF page whose content is scaled: Matplotlib's own pages have the inches of the figure."""

# The backend has no annotations.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from typing import Any

from matplotlib.backends.backend_pdf import Name, Op, PdfFile, PdfPages

from plotroute.encode.geometry import PX, Placement

Color = tuple[float, float, float]


class ScaledPage(PdfPages):
    """A file for `savefig(…, format="pdf")`: one page, with the figure where `placement` puts it.

    Close it (or use `with`) to complete the file.

    >>> with ScaledPage(file, placement, paper=(1, 1, 1), metadata={}) as page:
    ...     figure.savefig(page, format="pdf")
    """

    def __init__(
        self, file: Any, placement: Placement, paper: Color | None, metadata: dict[str, Any]
    ) -> None:
        super().__init__(file, metadata=metadata)
        self._placement = placement
        self._paper = paper

    def _ensure_file(self) -> PdfFile:
        if self._file is None:
            self._file = _ScaledFile(self._filename, self._metadata, self._placement, self._paper)
        return self._file


class _ScaledFile(PdfFile):
    def __init__(self, file: Any, metadata: Any, placement: Placement, paper: Color | None) -> None:
        super().__init__(file, metadata=metadata)
        self._page = tuple(side / PX for side in placement.asked)
        self._paper = paper
        self._scale = placement.scale
        self._offset = tuple(side * placement.scale * 72 for side in placement.padding)

    def newPage(self, width: float, height: float) -> None:
        super().newPage(*self._page)
        self.width, self.height = width, height  # paths are clipped to them, in the figure's own inches
        if self._paper is not None:
            page = (0, 0, *(side * 72 for side in self._page))
            self.output(Op.gsave, *self._paper, Op.setrgb_nonstroke)
            self.output(*page, Op.rectangle, Op.fill, Op.grestore)
        self.output(self._scale, 0, 0, self._scale, *self._offset, Op.concat_matrix)
        self._top = self._offset[1] + height * 72 * self._scale

    def beginStream(self, id: int, len: Any, extra: dict[str, Any] | None = None, png: Any = None) -> None:
        # A hatch lives in the space of the page, not in the scaled space; it starts at the top left.
        if extra and extra.get("Type") == Name("Pattern"):
            extra = {**extra, "Matrix": [self._scale, 0, 0, self._scale, self._offset[0], self._top]}
        super().beginStream(id, len, extra, png)

    def _write_annotations(self) -> None:
        # Links live in the space of the page, too.
        for _, links in self._annotations:
            for link in links:
                for corners in ("Rect", "QuadPoints"):
                    if corners in link:
                        link[corners] = [
                            value * self._scale + self._offset[place % 2]
                            for place, value in enumerate(link[corners])
                        ]
        super()._write_annotations()
