"""The public decorators and classes: tasks and flows."""
