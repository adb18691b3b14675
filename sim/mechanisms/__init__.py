"""One family of mechanisms a file; each ends in the declaration of what it adds.

CONTRIBUTING.md says how to add one.
"""
