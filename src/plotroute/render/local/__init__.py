"""Draw without a second process: in a thread of this process, or in the thread of the caller."""
