"""Results as tables, the figures that sum them up, and the files they are kept in."""
