"""Webhooks on their way."""
