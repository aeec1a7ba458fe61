"""URL patterns: match a path to a plot, and build the address of a plot from values.

In: a manifest with a URL path, or with a name and values. Out: a `routes.Match`, or an address. Doors:
`routes.resolve`, `urls.address`.
"""
