"""Compiled equations and loops: arrays in, arrays out, nothing of scenarios."""
