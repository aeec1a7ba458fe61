"""URL patterns: match a path to a plot, and build the address of a plot from values."""
