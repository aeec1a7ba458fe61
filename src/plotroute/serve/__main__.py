"""`python -m plotroute.serve`: the web process of a server, started by the supervisor."""

import os
import sys

from plotroute.serve.server import Web, end_with

end_with(int(os.environ["PLOTROUTE_PARENT"]))
sys.exit(Web.read(sys.argv[1], os.environ["PLOTROUTE_SOCKET"]).run())
