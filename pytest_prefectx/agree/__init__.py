"""Comparison of a flow in all modes, with the reason if they differ."""
