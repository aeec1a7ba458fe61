"""The author's code → a catalog of its plots and datasets. Door: `loader.load`, `catalog.complete`."""
