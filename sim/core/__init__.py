"""What everything else stands on: the words of the model, draws, compiling, arrays."""
