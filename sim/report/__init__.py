"""A run's report: as a page and as text."""
