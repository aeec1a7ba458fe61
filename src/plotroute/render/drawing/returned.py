"""Find the picture that a plot function has made: what it returned, or what its surface finds drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from plotroute import encode
from plotroute.encode.base import GivenFigure, LeadsNowhere
from plotroute.model import Picture


def picture_of(returned: Any, given: GivenFigure, theme: str | None = None) -> tuple[Picture, bool]:
    """Return the picture that a plot function has made.

    Args:
        returned: The return value of the function.
        given: The figure that was made for the function.
        theme: The theme ("light", "dark") of what is drawn only here, such as a seaborn.objects Plot.

    Returns:
        The picture, and whether it is on the figure that the function was given.

    Raises:
        NotAFigure: There is no picture, or there could be several. The text says what the author can do.
    """
    picture = returned if isinstance(returned, Picture) else Picture(returned)
    figure = error = None
    if picture.figure is not None:
        try:
            figure = encode.find(picture.figure).resolve(picture.figure, theme)
        except LeadsNowhere as leads_nowhere:
            error = leads_nowhere
    figure = given.picture(figure, error, deliberate=picture is returned and bool(picture.alt))
    return replace(picture, figure=figure), figure is given.figure
