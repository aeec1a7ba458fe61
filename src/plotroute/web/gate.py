"""The gate: the one place that every answer about a plot passes, drawn or ready, a picture or a document.

A rule that refuses readers (access today, a budget or a key tomorrow) stands here, so that it also holds for
an answer that is ready before Flask has seen the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from plotroute.model import Json, PlotSpec
from plotroute.web.access import Access


class Rule(Protocol):
    """A condition of answers beside access."""

    def __call__(self, environ: Mapping[str, Any], plot: PlotSpec, values: Mapping[str, Json]) -> None:
        """Raise the AnswerError that refuses a request (`environ`, of WSGI) the plot with these values.

        Without values the question is whether the reader may know of the plot at all. There may be no Flask
        request yet: a ready answer passes before it.
        """


class Gate:
    """The conditions of one server or app.

    Example:
        >>> gate = Gate(PublicAccess(settings), refuse_above_budget)
        >>> gate.admit(environ, plot, {"region": "EU"})
    """

    def __init__(self, access: Access, *rules: Rule) -> None:
        self.access = access
        self._rules = rules

    def admit(self, environ: Mapping[str, Any], plot: PlotSpec, values: Mapping[str, Json]) -> None:
        """Let an answer pass.

        Args:
            environ: The request, of WSGI.
            plot: The plot that the answer is about.
            values: The values of its parameters; none: whether the reader may know of the plot at all.

        Raises:
            AnswerError: The refusal, which is the answer: Forbidden where the reader has no access.
        """
        self.access.require_access(plot, values)
        for rule in self._rules:
            rule(environ, plot, values)
