"""Plots that take their time, and count how often they are drawn."""

import os
import time
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
from notes import note
from pydantic import Field

from plotroute import CannotDraw, Plots

plots = Plots()


@plots.plot("/sleep", ttl="forever")
def sleep(s: Annotated[float, Field(ge=0, le=30)] = 1.0, k: int = 0):
    """Sleeps, then draws."""
    note("sleep", k=k, event="begun")
    time.sleep(s)
    note("sleep", k=k, event="done")
    figure, ax = plt.subplots()
    ax.bar(["a", "b"], [s, k])
    return figure


@plots.plot("/nap", ttl="forever", timeout=0.2)
def nap(s: Annotated[float, Field(ge=0, le=30)] = 30.0, k: int = 0):
    """Sleeps for longer than it may."""
    note("nap", k=k, event="begun")
    time.sleep(s)
    return plt.figure().add_subplot()


@plots.plot("/big", ttl="forever")
def big(k: int = 0):
    """About 5 MB of PNG: noise does not compress."""
    note("big", k=k, event="begun")
    noise = np.random.default_rng(0).integers(0, 256, (1300, 1300, 3), dtype=np.uint8)
    figure = plt.figure(figsize=(13, 13), dpi=100)
    figure.figimage(noise)
    return figure


@plots.plot("/nothing")
def nothing(k: int = 0):
    raise CannotDraw("nothing to draw here")


@plots.plot("/grain", ttl="forever")
def grain(k: int = 0):
    """About 75 kB of PNG, quickly drawn, and another one for each `k`."""
    note("grain", k=k, event="begun")
    noise = np.random.default_rng(k).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    figure = plt.figure(figsize=(1.6, 1.6), dpi=100)
    figure.figimage(noise)
    return figure


@plots.plot("/moody", ttl="forever")
def moody(k: int = 0):
    """Cannot be drawn as long as the file that the environment names is there."""
    note("moody", k=k, event="begun")
    if os.path.exists(os.environ["ADVERSARIAL_BROKEN"]):
        raise RuntimeError("not today")
    return grain(k)
