"""What a plot may change in Python and its libraries, put back before the next plot is drawn."""
