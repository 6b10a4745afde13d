"""Current settings: mode, context, environment, the project's file."""
