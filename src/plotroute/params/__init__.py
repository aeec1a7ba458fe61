"""One value of a parameter: text of a URL ↔ canonical JSON ↔ Python.

In: a plot's `Param`s and what a request says. Out: canonical values, or everything that is wrong at once.
"""

from __future__ import annotations

from plotroute.params.hints import Values as Values
from plotroute.params.hints import decode as decode
from plotroute.params.hints import hint_of as hint_of
from plotroute.params.hints import read as read
from plotroute.params.json_schema import json_schema as json_schema
from plotroute.params.kinds import kind_of as kind_of
from plotroute.params.parsing import MAX_BODY_VALUES as MAX_BODY_VALUES
from plotroute.params.parsing import MAX_NAMES as MAX_NAMES
from plotroute.params.parsing import MAX_QUERY_VALUES as MAX_QUERY_VALUES
from plotroute.params.parsing import canonical as canonical
from plotroute.params.parsing import from_json as from_json
from plotroute.params.parsing import parse as parse
from plotroute.params.parsing import to_query as to_query
