"""Reset what a plot may change in Python and its libraries, before the next plot is drawn."""
