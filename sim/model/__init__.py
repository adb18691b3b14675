"""What persists from step to step: the world, its network, and how a mechanism is declared."""
