"""`isolate=True`: a task's function runs in a process of its own, a child of where it would run.

The child is a fresh Python, not a fork, for the worker has threads. It gets the call, not the
data of Items, which it loads itself; it keeps the output itself too, so data passes through the
worker only where a task has no target. What it logs and prints is said by its parent, at once:
so the run's handlers are used, and a crash does not take the last lines with it.
"""
