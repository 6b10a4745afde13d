"""The decorators and classes that users hold: tasks and flows."""
