"""The state that persists from step to step, and how mechanisms are declared."""
