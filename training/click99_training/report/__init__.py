"""`click99 report`: the paper's tables and figures from evaluations. Nothing is filled in."""
