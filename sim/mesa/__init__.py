"""The model for users of Mesa."""
