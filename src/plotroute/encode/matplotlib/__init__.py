"""Turn a Matplotlib figure into bytes, in the size, format and theme of the request. Door: `encode.find`."""
