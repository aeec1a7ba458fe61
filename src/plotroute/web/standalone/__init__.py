"""The Flask app of a server that plotroute owns."""
