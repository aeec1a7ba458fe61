"""A Matplotlib figure → bytes, in the size, format and theme of the request. Door: `encoder`, `figures`."""
