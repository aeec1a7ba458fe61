"""The processes that run the author's code: a zygote for each version of it, and workers forked from it."""
