"""The table of representations: what holds for each suffix of an address, in routing, listings and answers."""

from __future__ import annotations

import pytest

from plotroute.model import IMAGE_TYPES, Manifest, PlotSpec
from plotroute.routing import precedence, routes
from plotroute.routing.representations import DOCUMENTS, REPRESENTATIONS, Representation, document_of, split

EACH = pytest.mark.parametrize("representation", REPRESENTATIONS.values(), ids=REPRESENTATIONS)
DOCUMENT = pytest.mark.parametrize("representation", DOCUMENTS.values(), ids=DOCUMENTS)


def manifest(*addresses: str) -> Manifest:
    return Manifest(plots=tuple(PlotSpec(name=address, addresses=(address,)) for address in addresses))


@EACH
def test_an_address_with_a_suffix_is_that_representation(representation: Representation) -> None:
    found = routes.resolve(manifest("/plots/a"), f"/plots/a.{representation.suffix}")
    assert found is not None
    assert found.format == representation.suffix


@EACH
def test_a_suffix_alone_is_no_representation(representation: Representation) -> None:
    assert split(f".{representation.suffix}") == (f".{representation.suffix}", None)
    assert split(representation.suffix) == (representation.suffix, None)


@EACH
def test_two_plots_cannot_share_an_address_by_a_suffix(representation: Representation) -> None:
    plots = manifest("/plots/a", f"/plots/a.{representation.suffix}").plots
    assert [found.url for found in precedence.collisions(plots)]


@EACH
def test_every_representation_says_what_it_is(representation: Representation) -> None:
    assert "/" in representation.media_type
    assert representation.contents
    assert representation.is_picture == (representation.suffix in IMAGE_TYPES)


@DOCUMENT
def test_no_path_of_an_author_may_end_in_the_suffix_of_a_document(representation: Representation) -> None:
    with pytest.raises(ValueError, match=f"ends in .{representation.suffix}"):
        routes.pattern(f"a.{representation.suffix}")


@DOCUMENT
def test_a_plot_of_one_format_has_every_document(representation: Representation) -> None:
    found = routes.resolve(manifest("/fixed.png"), f"/fixed.png.{representation.suffix}")
    assert found is not None
    assert found.format == representation.suffix
    assert document_of(f"/fixed.png.{representation.suffix}") is representation


def test_links_to_documents_have_names_of_their_own() -> None:
    names = [representation.name for representation in DOCUMENTS.values()]
    assert len({*names, "picture"}) == len(names) + 1
