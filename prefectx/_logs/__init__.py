"""Log lines with the names of the current run, with and without Prefect."""
