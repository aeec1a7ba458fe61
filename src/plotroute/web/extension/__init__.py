"""Plots as a part of an author's own Flask app."""
