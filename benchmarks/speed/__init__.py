"""What prefectx costs, and what others cost: `make bench` runs it, `RESULTS.md` has the table."""
