"""The mechanisms of the model, one family a file."""
