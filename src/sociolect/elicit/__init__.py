"""Elicit: people and models meet in one frame, replies."""
