"""`isolate=True`: a task's function runs in a child process.

The child is a new Python process, not a fork, because the worker has threads. It loads the data of
Items and stores the output itself, so data passes through the worker only if a task has no target.
Its logs and prints are sent to the parent at once: so the run's handlers are used, and a crash does
not lose the last lines.
"""
