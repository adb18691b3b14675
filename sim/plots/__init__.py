"""Pictures, tables and reports of records; no computation."""
