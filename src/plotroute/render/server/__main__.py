"""`python -m plotroute.render.server`: the program that `client/launch.py` starts."""

from plotroute.render.server.main import main

main()
