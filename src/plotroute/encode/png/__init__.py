"""RGBA pixels → the bytes of a PNG."""
