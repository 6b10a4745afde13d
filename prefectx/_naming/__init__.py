"""Names of targets and runs: templates, default names, safe names."""
