"""HTTP in, HTTP out: the only folder that knows Flask."""
