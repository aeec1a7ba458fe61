"""Run it: whoever turns a Job into an Image. The table name → module → class."""

RENDERERS = {
    "inprocess": ("plotroute.render.inprocess", "InProcess"),
}
