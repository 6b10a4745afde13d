"""Locks between processes: the kernel's, or a file with a heartbeat."""
