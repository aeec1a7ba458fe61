"""Run it: whoever turns a Job into an Image. The table name → module → class."""

RENDERERS = {
    "server": ("plotroute.render.remote", "Remote"),
    "inprocess": ("plotroute.render.inprocess", "InProcess"),
}
