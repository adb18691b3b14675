"""What is done with many runs: each is a black box that leaves a record behind."""
