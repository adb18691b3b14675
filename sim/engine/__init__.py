"""From a scenario and a seed to a record: set-up, steps, checkpoints."""
