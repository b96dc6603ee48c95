"""Who did what to money, keys and merchants: an append-only log."""
