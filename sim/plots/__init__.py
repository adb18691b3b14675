"""Pictures and tables of records; no computation."""
