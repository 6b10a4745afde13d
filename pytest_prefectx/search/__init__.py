"""A search with hypothesis for calls on which modes disagree."""
