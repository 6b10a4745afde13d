"""The three modes with Prefect."""
