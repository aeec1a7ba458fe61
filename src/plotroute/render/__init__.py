"""Run the author's code: a Job → an Image. `base` is the protocol; `serve` and `plots` choose a renderer."""
