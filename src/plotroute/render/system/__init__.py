"""The operating system: what a process may use, and how it is seen and stopped from outside."""
