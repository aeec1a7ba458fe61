from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _always(matplotlib_as_installed: None) -> None:
    pass
