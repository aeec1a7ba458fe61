"""Read settings: a flag wins over the environment, that over a Flask app's config, that over the default."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from plotroute.errors import BadSetting
from plotroute.settings.table import PREFIX, TABLE, Setting, flag_of, variable_of

log = logging.getLogger("plotroute")

RESERVED_VARIABLES = {"PLOTROUTE_ROLE", "PLOTROUTE_SOCKET", "PLOTROUTE_PARENT"}
"""Variables that plotroute sets for its own processes. They are no settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in force: a field for each row of `TABLE`, in the same order."""

    render_timeout: float = 10.0
    load_timeout: float = 8.0
    import_timeout: float = 30.0
    body_timeout: float = 10.0
    queue_timeout: float = 10.0
    drain_timeout: float = 28.0
    render_mode: str = "server"
    render_processes: int = 0
    render_memory: int = 2**30
    recycle_after: int = 200
    render_files: int = 1024
    render_writes: int = 2**30
    render_prints: int = 64 * 1024
    allow_processes: bool = False
    cache_memory: int = 64 * 2**20
    cache_dir: str = ""
    cache_namespace: str = ""
    cache_disk: int = 2**30
    warm: str = ""
    max_pixels: int = 16_000_000
    max_output: int = 20 * 2**20
    max_url: int = 8190
    max_body: int = 2 * 2**20
    error_pictures: bool = True
    threads: int = 256
    release: str = ""
    ignored_config: str = ""
    ignored_environment: str = ""
    base_url: str = ""
    trusted_proxies: str = ""
    user_header: str = ""


def resolve(
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings in force. A former name of a setting is read too, and said once in the log.

    Args:
        flags: name → value, from the command line; None is a flag that was not given.
        environment: variable (`PLOTROUTE_NAME`) → text.
        config: key (`PLOTROUTE_NAME`) → value, from a Flask app's config.

    Raises:
        BadSetting: A value is not allowed, two settings do not go together, or a variable is no setting. The
            message names the setting, where the value came from and what is allowed.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    environment, config = environment or {}, config or {}
    found: dict[str, Any] = {}
    for row in TABLE:
        source = _source(row, given, environment, config)
        if source is not None:
            found[row.name] = _validate(row, *source)
    _refuse_unknown((*environment, *config))
    settings = Settings(**found)
    if settings.render_mode not in ("server", "inprocess"):
        raise BadSetting(f"render_mode is {settings.render_mode!r}, but must be server or inprocess.")
    if settings.user_header and not settings.trusted_proxies:
        raise BadSetting(
            f"user_header is {settings.user_header!r}, but trusted_proxies is empty: any client could send "
            f"this "
            "header and pretend to be any user. Name the proxy that sets it in trusted_proxies."
        )
    return settings


def is_set(name: str, environment: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether the environment or a Flask app's config sets the setting `name`, by either name."""
    (row,) = (row for row in TABLE if row.name == name)
    return _source(row, {}, environment, config) is not None


def _source(
    row: Setting, flags: Mapping[str, Any], environment: Mapping[str, Any], config: Mapping[str, Any]
) -> tuple[Any, str] | None:
    """Return (value, where it was given) of a setting, or None if it is given nowhere."""
    places = [(flags, name, flag_of(name), flag_of(row.name)) for name in row.names]
    for values, place in ((environment, "the environment's {}"), (config, "the app's config {!r}")):
        for name in row.names:
            places.append((values, variable_of(name), place.format(variable_of(name)), row.variable))
    for values, key, origin, present in places:
        if key in values:
            if key not in (row.name, present):
                _log_former_name(origin, present)
            return values[key], origin
    return None


@cache  # once per process: an app reads its settings several times
def _log_former_name(origin: str, present: str) -> None:
    log.warning("%s is a former name and still works; the name is now %s.", origin, present)


def _refuse_unknown(variables: Iterable[str]) -> None:
    """Raise BadSetting for a variable that looks like a setting and is none: it is likely misspelt."""
    known = {variable_of(name) for row in TABLE for name in row.names} | RESERVED_VARIABLES
    for variable in variables:
        if variable.startswith(PREFIX) and variable not in known:
            settings = ", ".join(sorted(row.variable for row in TABLE))
            raise BadSetting(f"{variable} is not a setting; the settings are {settings}.")


def _validate(row: Setting, value: Any, origin: str) -> Any:
    """Return a value as its setting keeps it, or raise BadSetting."""
    # Imported here: a process that receives its settings from another does not need pydantic for them.
    from pydantic import TypeAdapter, ValidationError

    try:
        valid = TypeAdapter(row.type).validate_python(value)
    except ValidationError as error:
        raise BadSetting(f"{origin} is {value!r}: {error.errors()[0]['msg']}.") from None
    if row.least is not None and not valid >= row.least:
        raise BadSetting(f"{origin} is {value!r}, but must be at least {row.least:g}. {row.reason}")
    if row.most is not None and not valid <= row.most:
        raise BadSetting(f"{origin} is {value!r}, but must be at most {row.most:g}. {row.reason}")
    if row.check is not None:
        try:
            valid = row.check(valid)
        except ValueError as error:
            raise BadSetting(f"{origin} is {value!r}: {error}.") from None
    return valid


assert [field.name for field in fields(Settings)] == [row.name for row in TABLE]
