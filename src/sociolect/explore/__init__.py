"""A local page on which an analyst walks through the communities of a workspace."""
