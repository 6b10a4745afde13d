"""Departure delay against wind, New York 2013: a project that uses prefectx."""
