"""One call and one run: is the target there, is it fresh, who makes it."""
