"""An ephemeral Prefect server for a test session."""
