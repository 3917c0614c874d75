"""`click99 preannotate`: masks from boxes and points that are there, as predictions that people refine."""
