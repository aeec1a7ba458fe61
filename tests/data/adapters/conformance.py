"""What every adapter of a data library promises, written once: its test says how to make values and change them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from plotroute.data import adapters
from plotroute.data.fingerprint import fingerprint, unrun_query
from plotroute.data.sharing import Copies, copy_for_plot, is_shareable

Makers = Mapping[str, Callable[[], Any]]


class AdapterConformance:
    """A test of an adapter is a subclass which fills these tables. A maker makes its value anew each time."""

    adapter: str
    """The name of its class."""
    shareable: Makers = {}
    """Values that plots may share, or get copies of."""
    not_shareable: Makers = {}
    queries: Makers = {}
    """Values that are no data before they are run."""
    edits: Mapping[str, Iterable[str]] = {}
    """Key of `shareable` or `not_shareable` → what plots do to it, as they would write it, `value` being it."""
    same: Mapping[str, Callable[[], tuple[Any, Any]]] = {}
    """Pairs of equal content that lies in memory differently."""
    different: Mapping[str, Callable[[], tuple[Any, Any]]] = {}
    """Pairs that a plot would show differently."""

    def test_each_value_is_of_this_adapter(self):
        for make in (self.shareable | self.not_shareable | self.queries).values():
            assert type(adapters.find(make())).__name__ == self.adapter

    def test_equal_content_has_an_equal_fingerprint(self):
        for name, make in (self.shareable | self.not_shareable).items():
            assert fingerprint(make()) == fingerprint(make()) is not None, name

    def test_a_copy_has_the_fingerprint_of_the_original(self):
        for name, make in (self.shareable | self.not_shareable).items():
            value = make()
            assert fingerprint(Copies(value).next_copy()) == fingerprint(value), name

    def test_how_content_lies_in_memory_does_not_matter(self):
        for name, pair in self.same.items():
            one, other = pair()
            assert fingerprint(one) == fingerprint(other) is not None, name

    def test_different_content_has_different_fingerprints(self):
        for name, pair in self.different.items():
            one, other = pair()
            assert fingerprint(one) != fingerprint(other), name

    def test_what_a_plot_does_to_its_copy_reaches_neither_the_original_nor_another_copy(self):
        makers = self.shareable | self.not_shareable
        for name, edits in self.edits.items():
            for edit in edits:
                original = makers[name]()
                before = fingerprint(original)
                copies = Copies(original)
                earlier, changed = copies.next_copy(), copies.next_copy()
                # What the library refuses to write is not changed either.
                with contextlib.suppress(ValueError, TypeError):
                    exec(edit, {"value": changed})
                for other in (original, earlier, copies.next_copy()):
                    assert fingerprint(other) == before, (name, edit)

    def test_what_plots_can_share_says_so(self):
        for name, make in self.shareable.items():
            assert is_shareable(make()), name
            assert type(copy_for_plot(make())) is type(make()), name

    def test_what_plots_cannot_share_says_so(self):
        for name, make in self.not_shareable.items():
            assert not is_shareable(make()), name

    def test_a_query_that_has_not_been_run_says_so_wherever_it_is(self):
        for name, make in self.queries.items():
            found = unrun_query(make())
            assert found, name
            assert unrun_query({"orders": [make()]}) == found, name

    def test_data_is_no_query(self):
        for name, make in (self.shareable | self.not_shareable).items():
            assert unrun_query(make()) is None, name
