"""What is done with a workspace that stands."""
