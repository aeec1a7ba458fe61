"""What feeds a plot: data and copies of it, the files that it is read from, and how long it stays true."""
