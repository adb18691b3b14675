"""The mechanisms, one per file. Each file ends with a declaration of what it adds to the model.

CONTRIBUTING.md says how to add one.
"""
