"""Webhooks: tell merchants' endpoints what happened, at least once, signed, and without harm to anybody."""
