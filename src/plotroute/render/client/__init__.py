"""In a web process: ask the render server for pictures, and start it where nothing else does."""
