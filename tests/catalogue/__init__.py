"""The metric table and what is generated from it."""
