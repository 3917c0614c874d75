"""How the record's schema came about: Alembic's environment, and a revision for each step."""
