"""plotroute: every plot gets a URL.

Importing it loads neither Flask nor Matplotlib.
"""

from plotroute.data.files import files as files
from plotroute.errors import CannotDraw as CannotDraw
from plotroute.hints import Values as Values
from plotroute.model import Image as Image
from plotroute.model import Picture as Picture
from plotroute.plots import Plots as Plots
from plotroute.timerange import TimeRange as TimeRange

__version__ = "0.1.0"
