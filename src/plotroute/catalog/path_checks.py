"""Check that the path of a plot, as its author wrote it, fits the parameters of its function."""

from __future__ import annotations

from plotroute.errors import BadRegistration, InvalidParameters
from plotroute.model import Param, PlotSpec
from plotroute.routing import routes, urls


def check_parameters(title: str, patterns: tuple[str, ...], own: tuple[Param, ...]) -> None:
    """Raise BadRegistration where a path has a parameter that the function cannot take from it."""
    names = {parameter.name: parameter for parameter in own}
    for pattern in patterns:
        for name in routes.parameters(pattern):
            if name not in names:
                raise BadRegistration(
                    f"{title}: the path {pattern!r} has <{name}>, but the function has no parameter of that "
                    f"name. Add it ({name}: str) or take it out of the path."
                )
            if names[name].is_user:
                raise BadRegistration(
                    f"{title}: <{name}> is the logged-in user (User) and cannot be part of the path. Take it "
                    "out of the path."
                )
            if names[name].many:
                raise BadRegistration(
                    f"{title}: <{name}> is a list, which does not fit into a path. Take it out of the path: "
                    f"requests then give it as ?{name}=…"
                )


def check_example(title: str, spec: PlotSpec) -> None:
    """Raise BadRegistration for an example that the path of a plot cannot hold."""
    declared = {parameter.name: parameter for parameter in spec.params}
    for name in routes.parameters(spec.addresses[0]):
        try:
            if declared[name].example is not None:
                urls.segment(declared[name], declared[name].example)
        except InvalidParameters as error:
            raise BadRegistration(f"{title}: the example of {error.errors[0]['message']}.") from None
