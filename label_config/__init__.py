"""Label Studio label configs that work with click99."""
