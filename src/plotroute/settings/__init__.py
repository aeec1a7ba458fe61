"""Settings: one table, and the values in force. Door: `resolve`, `Settings`, `TABLE`."""

from plotroute.settings.checks import PATH as PATH
from plotroute.settings.reading import RESERVED_VARIABLES as RESERVED_VARIABLES
from plotroute.settings.reading import Settings as Settings
from plotroute.settings.reading import is_set as is_set
from plotroute.settings.reading import resolve as resolve
from plotroute.settings.table import TABLE as TABLE
from plotroute.settings.table import Setting as Setting
from plotroute.settings.table import flag_of as flag_of
from plotroute.settings.table import variable_of as variable_of
