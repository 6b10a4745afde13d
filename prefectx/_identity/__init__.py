"""Identity of calls, data and code: tests whether two calls, values or functions are the same."""
