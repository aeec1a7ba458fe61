from __future__ import annotations

import pytest

from gallery import matplotlib_plots, seaborn_plots
from gallery.measuring import texts_read

PAPERS = {"light": (255, 255, 255), "dark": (22, 25, 29)}
PLOTS = [
    (module.plots, plot.function.__name__)
    for module in (seaborn_plots, matplotlib_plots)
    for plot in module.plots.registry.plots
]


@pytest.mark.parametrize("theme", PAPERS)
@pytest.mark.parametrize(("plots", "name"), PLOTS, ids=[name for _, name in PLOTS])
@pytest.mark.filterwarnings("default")  # libraries' own, about their own calls of each other
def test_every_text_can_be_read(plots, name: str, theme: str) -> None:
    with texts_read(PAPERS[theme]) as readings:
        plots.draw(name, theme=theme)
    assert [reading for reading in readings if reading.contrast < 3] == []
