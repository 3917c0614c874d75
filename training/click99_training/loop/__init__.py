"""Training click by click: one loop for every run."""
