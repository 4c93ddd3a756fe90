"""Uploading: what can be sent, and how one upload is driven to its end."""
