"""Scores of the model on data that it was not fitted to."""
