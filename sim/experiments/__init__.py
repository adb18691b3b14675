"""Work with many runs; each run is a black box that gives a record."""
