"""Bytes that we sign and send: one engine for payouts, sweeps and top-ups, whatever dies when."""
