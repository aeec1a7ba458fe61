"""Run one job, from its data to the bytes of its picture: the only place that calls plot functions."""
