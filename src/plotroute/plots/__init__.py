"""`Plots`: what an author writes `@plots.plot` and `@plots.dataset` on. Door: `Plots`."""

from plotroute.plots.plots import Plots as Plots
