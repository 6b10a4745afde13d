"""The pytest plugin of prefectx: tests in every mode, on a real Prefect server if need be."""
