"""A Ray cluster for a run: opened once, and whoever has work for many machines hands it out there."""
