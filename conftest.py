"""For all tests below: pytest's own tester of plugins, and a Ctrl-C that what they start hears."""

from __future__ import annotations

import signal

pytest_plugins = ["pytester"]

# Shells and some CI systems let what runs in the background ignore Ctrl-C, or block it. Processes
# inherit both, so those that a test starts and interrupts would go on for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
