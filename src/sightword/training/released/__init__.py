"""Checkpoints that others released, read into our layout and written back into theirs."""
