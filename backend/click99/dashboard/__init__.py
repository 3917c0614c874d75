"""What masks cost people, as one page: `click99 stats --html`, and `/stats` of the server."""
