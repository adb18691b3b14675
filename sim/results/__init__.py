"""Results as tables, the main figures, and the files they are kept in."""
