"""Values that are passed between tasks: Items, futures, annotations, and containers of them."""
