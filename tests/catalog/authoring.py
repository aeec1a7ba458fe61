"""Files as authors write them."""

from textwrap import dedent

ONE_PLOT = """
    from plotroute import Plots
    plots = Plots()

    @plots.plot
    def sine(): ...
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path
