"""Merchants, their users, API keys, limits and idempotency."""
