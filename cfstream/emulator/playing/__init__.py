"""What players fetch."""
