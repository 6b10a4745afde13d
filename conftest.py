"""For all tests below: pytest's own tester of plugins."""

pytest_plugins = ["pytester"]
