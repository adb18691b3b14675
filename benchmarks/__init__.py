"""Benchmarks: what the engine's speed is measured against. Read `README.md` first."""
