"""The render server, a program: one loop queues jobs, gives them to workers and ends what takes too long."""
