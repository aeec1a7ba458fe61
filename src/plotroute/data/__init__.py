"""What feeds a plot: handing data out safely, telling one state of it from another, reading files."""
