"""Ibis: expressions, which are queries of whatever database."""

from __future__ import annotations

import sys
from typing import Any

from plotroute.data.adapters.base import Adapter, library_name


class Ibis(Adapter):
    """Expressions: plans, never data. Short: there is no more to say of them."""

    def owns(self, value: Any) -> bool:
        """Whether the value is an expression."""
        types = sys.modules.get("ibis.expr.types")  # `import ibis` leaves it out until it is needed
        return types is not None and isinstance(value, types.Expr)

    def query_name(self, value: Any) -> str:
        """Return the type of the expression."""
        return library_name(value)
