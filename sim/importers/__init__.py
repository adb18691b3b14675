"""Scenarios from other people's data: a module for each format."""
