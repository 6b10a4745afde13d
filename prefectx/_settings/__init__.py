"""Settings in force where a call is made: mode, context, environment, options."""
