"""`click99 export`: masks that people saved, in the form that other tools read."""
