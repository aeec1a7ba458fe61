"""The routes of plots in an author's app, and which of them would take an address from the app's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

from flask import Flask
from werkzeug.routing import BaseConverter, Map, PathConverter, Rule, RuleFactory, UnicodeConverter

from plotroute.errors import BadRegistration
from plotroute.model import Image, Manifest, PlotSpec
from plotroute.routing.representations import DOCUMENTS, REPRESENTATIONS
from plotroute.routing.routes import ROOT, fixed_format
from plotroute.web.extension.access import Authorize

IMPLIED = "plotroute_implied"
"""The name of the converter of implied addresses, in an app."""

_ANY_SUFFIX = ",".join(f'"{suffix}"' for suffix in REPRESENTATIONS)
# `<int(min=1):id>`: the converter, its arguments and the name of a variable in a rule of Werkzeug's.
_VARIABLE = re.compile(r"<(?:[A-Za-z_]\w*(?:\([^>]*\))?:)?([A-Za-z_]\w*)>")


SERVED = ("plots", "gallery", "adhoc", "ops")
"""What an app may be given: the author's plots, the list of them, plots of values in the query, and what
operators ask."""


@dataclass(frozen=True)
class ExtensionOptions:
    """How the author of an app wants the plots in it."""

    name: str
    url_prefix: str
    serve: tuple[str, ...]
    decorators: tuple[Callable[..., Any], ...]
    authorize: Authorize | None
    user: Callable[[], str | None] | None
    public: bool | tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for served in self.serve:
            if served not in SERVED:
                raise BadRegistration(f"serve={served!r} is none of {', '.join(SERVED)}.")
        if not re.fullmatch(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*", self.url_prefix):
            raise BadRegistration(
                f"url_prefix={self.url_prefix!r} must be a path of letters, digits and . _ ~ - without "
                "variables, and not end in a slash: '/charts'."
            )
        if self.public and (self.decorators or (self.authorize and self.public is True)):
            raise BadRegistration(
                "public= lets caches on the way give a picture to readers without asking the app. "
                "There decorators= would guard nothing, and neither would authorize= with public=True. Name "
                'the plots that everyone may see, public=["population"], or leave public= out.'
            )
        if "." in self.name or not self.name:
            raise BadRegistration(f"name={self.name!r}: the name of a blueprint has no dots.")


class Mounted(Protocol):
    """The plots of one `Plots` in one app, as the functions for templates need them."""

    mount: ExtensionOptions

    def root(self) -> str:
        """Return what addresses of plots have in front in the current request or app."""

    def complete(self) -> Manifest:
        """Return the plots, read when they are first needed."""

    def serves(self, plot: PlotSpec) -> bool:
        """Whether the app answers for a plot."""

    def render(self, name: str, parameters: Mapping[str, Any]) -> Image:
        """Return a picture of a plot."""


def check_app(app: Flask, name: str) -> None:
    """Raise a BadRegistration if the app cannot have a blueprint of ours of that name."""
    if not isinstance(app, Flask):
        kind = app if isinstance(app, type) else type(app)
        raise BadRegistration(
            f"init_app() takes a Flask app, and this is {kind.__module__}.{kind.__qualname__}. Make a Flask "
            'app for the plots and mount it beside yours: docs/guide/flask.md, "Beside other frameworks".'
        )
    if app.url_map.host_matching:
        raise BadRegistration(
            "The app tells its routes apart by host (host_matching=True), and plots have none. Give them "
            "an app of their own, which Werkzeug's DispatcherMiddleware puts beside this one."
        )
    if name in app.blueprints:
        raise BadRegistration(
            f"The app has a blueprint {name!r} already; give the plots another name: "
            'init_app(app, name="charts").'
        )


@dataclass(frozen=True)
class ReservedRoute:
    """What answers some addresses, and to which methods."""

    what: str
    """In words: `The plot 'sales/revenue'`."""
    addresses: Sequence[str]
    """From the app's root, each suffix spelled out."""
    methods: Sequence[str]


def endpoint(plot: PlotSpec) -> str:
    """Return the endpoint of a plot within its blueprint: its name, in which Flask allows no dots."""
    return plot.name.replace(".", "_")


def _format_variable(plot: PlotSpec) -> str:
    return "_format" if any(parameter.name == "format" for parameter in plot.params) else "format"


def rules(plot: PlotSpec) -> Iterator[tuple[str, str]]:
    """Yield (rule, endpoint) for every address of a plot: as it is, and with the suffix of a format.

    The suffix is the variable `format`, so that `url_for` can name it. Aliases have endpoints of their own,
    so that it never builds them.
    """
    variable = _format_variable(plot)
    for number, address in enumerate(plot.addresses):
        name = endpoint(plot) + (f":{number}" if number else "")
        yield address, name
        if fixed_format(address) is None:
            yield f"{address}.<any({_ANY_SUFFIX}):{variable}>", name
        else:
            yield from ((f"{address}.{suffix}", name) for suffix in DOCUMENTS)


class Implied(BaseConverter):
    """Matches the implied addresses of one plot, where no route of the app's own does.

    Their author has not written them, so they give way to everything but a catch-all (`<path:…>`), even to
    a route that the app gets later. That is a matter of weight in Werkzeug, and text always comes first; so
    such an address is a variable that has one value.
    """

    part_isolating = False
    weight = (UnicodeConverter.weight + PathConverter.weight) // 2

    def __init__(self, url_map: Map, address: str) -> None:
        """`address` is a pattern, counted from the app's root."""
        super().__init__(url_map)
        texts = [re.escape(text) for text in re.split("<[^>]*>", address.removeprefix("/"))]
        suffixes = "|".join(map(re.escape, REPRESENTATIONS))
        self.regex = "[^/]+".join(texts) + rf"(?:\.(?:{suffixes}))?"


def implied_rules(plot: PlotSpec, prefix: str) -> Iterator[tuple[str, str, bool]]:
    """Yield (rule, endpoint, whether it only builds) for the addresses that a plot answers by implication.

    One rule matches, and gives way; those that `url_for` builds match nothing. Their endpoints are named as
    if each address were the plot's own: it was, or will be, when arguments change their places.
    """
    variable = _format_variable(plot)
    for address in plot.also:
        name = address.removeprefix(ROOT).replace(".", "_")
        yield f'/<{IMPLIED}("{prefix}{address}"):_implied>', f"{name}:implied", False
        yield prefix + address, name, True
        yield f"{prefix}{address}.<any({_ANY_SUFFIX}):{variable}>", name, True


def answered(plot: PlotSpec) -> Iterator[str]:
    """Yield every address of a plot, each suffix spelled out."""
    for address in plot.addresses:
        yield address
        suffixes = REPRESENTATIONS if fixed_format(address) is None else DOCUMENTS
        yield from (f"{address}.{suffix}" for suffix in suffixes)


def refuse_collision(rule: Rule, taken: ReservedRoute) -> None:
    """Raise a BadRegistration, showing both, if the app's route `rule` answers what we have taken.

    Where its route is the more exact one it wins, as among all routes; a catch-all (`<path:…>`) expects
    others to win.
    """
    if rule.build_only or rule.host or rule.subdomain != rule.map.default_subdomain:
        return
    if not _answers(rule) & {*taken.methods, "HEAD", "OPTIONS"}:
        return
    converters = _converters(rule)
    if any(isinstance(converter, (PathConverter, Implied)) for converter in converters.values()):
        return
    route = rule.rule.removesuffix("/")  # asked without the slash at its end, it answers with a redirect
    isolating = all(converter.part_isolating for converter in converters.values())
    takes = _takes if isolating else _may_take
    for address in taken.addresses:
        if takes(address, route, converters):
            raise BadRegistration(
                f"{taken.what} would answer {address}, which is answered by the app's own route "
                f"{rule.rule} (endpoint {rule.endpoint!r}). Mount the plots elsewhere (init_app(app, "
                "url_prefix=…)), give the plot another path, or move the route."
            )


def _answers(rule: Rule) -> set[str]:
    """Return the methods that a route answers by itself. Flask answers OPTIONS for all of an address."""
    methods = {"GET", "HEAD", "POST", "OPTIONS"} if rule.methods is None else set(rule.methods)
    return methods - ({"OPTIONS"} if getattr(rule, "provide_automatic_options", False) else set())


def _converters(rule: Rule) -> dict[str, Any]:
    """Return the converters of a route by the names of its variables, as Werkzeug has understood them."""
    return getattr(rule, "_converters", {})


def _may_take(address: str, route: str, converters: dict[str, Any]) -> bool:
    """Whether a route whose variables reach over slashes could match: as far as can be told."""
    if "<" not in address:
        return _pattern(route, converters).fullmatch(address) is not None
    ours, theirs = address.partition("<")[0], route.partition("<")[0]
    our_end, their_end = address.rpartition(">")[2], route.rpartition(">")[2]
    return (ours.startswith(theirs) or theirs.startswith(ours)) and (
        our_end.endswith(their_end) or their_end.endswith(our_end)
    )


def _takes(address: str, route: str, converters: dict[str, Any]) -> bool:
    """Whether a path matches both, and theirs is not the more exact: from the left, text beats variables."""
    ours, theirs = address.split("/"), route.split("/")
    if len(ours) != len(theirs):
        return False
    exact = 0  # which has text first where the other has a variable: 1 ours, -1 theirs
    for mine, other in zip(ours, theirs, strict=True):
        variable = mine.startswith("<")
        if "<" not in other:
            if not variable and mine != other:
                return False
            exact = exact or (-1 if variable else 0)
        else:
            if not variable and not _pattern(other, converters).fullmatch(mine):
                return False
            exact = exact or (0 if variable else 1)
    return exact >= 0


def _pattern(segment: str, converters: dict[str, Any]) -> re.Pattern[str]:
    """Return what the text of a segment with variables in it looks like."""
    texts, names = _VARIABLE.split(segment)[::2], _VARIABLE.findall(segment)
    found = re.escape(texts[0])
    for name, text in zip(names, texts[1:], strict=True):
        found += f"(?:{getattr(converters.get(name), 'regex', '[^/]+')})" + re.escape(text)
    return re.compile(found)


def guard(app: Flask, check: Callable[[Rule], None]) -> None:
    """Have every route that the app gets from now on checked: the error then shows the line that adds it."""
    add = app.url_map.add

    def add_and_check(rulefactory: RuleFactory) -> None:
        for rule in rulefactory.get_rules(app.url_map):
            add(rule)
            check(rule)

    app.url_map.add = add_and_check  # type: ignore[method-assign]


def view_of(method: Callable[[], Any]) -> Callable[..., Any]:
    """Return a view: a function, because decorators put attributes on views, for variables of any name."""

    def answer(**_: Any) -> Any:
        return method()

    return answer


def refuse_unknown(public: bool | tuple[str, ...], manifest: Manifest) -> None:
    """Refuse `public=["revenu"]`: `revenue` would stay private, and its author would not know why."""
    names = [plot.name for plot in manifest.plots]
    for name in () if isinstance(public, bool) else public:
        if name not in names:
            nearest = get_close_matches(name, names, n=1, cutoff=0.0)
            raise BadRegistration(
                f"public={name!r} is no plot's name. The nearest is {nearest[0]!r}."
                if nearest
                else f"public={name!r} is no plot's name: there are no plots."
            )
