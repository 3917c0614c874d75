"""A project of Label Studio, set up for clicks through its API."""
