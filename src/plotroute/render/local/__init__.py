"""Renderers without a second process: in a thread of this one, or in the caller's own."""
