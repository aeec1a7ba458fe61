"""The data that feeds plots: copies and fingerprints of it, the files that it is read from, its freshness."""
