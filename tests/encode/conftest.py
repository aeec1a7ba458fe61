from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def _matplotlib_as_installed() -> Iterator[None]:
    mpl.use("agg")
    with mpl.rc_context():
        mpl.rcdefaults()
        yield
    plt.close("all")
