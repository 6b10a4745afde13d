"""The three modes that Prefect runs."""
