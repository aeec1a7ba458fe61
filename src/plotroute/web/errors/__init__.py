"""An error → the answer that says it: a picture, a page or JSON, whichever the client can show."""
