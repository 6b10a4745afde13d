"""Calls and runs: whether a target exists and is fresh, and which call makes it."""
