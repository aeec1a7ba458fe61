"""Put the parts together and run them: under `plotroute serve` and `dev`, or inside an author's app."""
