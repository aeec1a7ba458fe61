"""An error as a page, for a window of a browser."""

from __future__ import annotations

from plotroute.errors import (
    InvalidParameters,
)
from web.errors.answers import WRONG, answer


def test_a_page_lists_what_is_wrong_and_leads_to_all_plots() -> None:
    response = answer(InvalidParameters([WRONG]), "page")
    text = response.get_data(as_text=True)
    assert response.mimetype == "text/html"
    assert "“spearmann” is not a method." in text
    assert "Did you mean <code>spearman</code>?" in text
    assert all(f"<code>{value}</code>" in text for value in ("pearson", "spearman", "kendall"))
    assert '<a href="/">' in text
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'")
    assert "<script" not in text
