"""Values that travel between tasks: Items, futures, annotations, containers of them."""
