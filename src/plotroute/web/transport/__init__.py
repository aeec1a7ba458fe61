"""The TCP connections below HTTP: bodies that come slowly, answers that leave slowly, clients that wait."""
