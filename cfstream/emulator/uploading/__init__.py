"""The ways by which videos come in."""
