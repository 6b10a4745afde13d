"""The cost of prefectx and of others: `make bench` runs it, `RESULTS.md` has the table."""
