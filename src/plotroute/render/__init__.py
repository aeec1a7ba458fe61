"""Run it: whoever turns a Job into an Image. `base` is the protocol; `serving` and `plots` choose."""
