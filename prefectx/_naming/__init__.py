"""From a call to its target: templates, default names, safe names."""
