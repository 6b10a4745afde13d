"""Log lines with the names of the run under way, without and with Prefect."""
