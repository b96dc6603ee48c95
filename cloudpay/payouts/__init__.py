"""Payouts: what a merchant pays from its master wallet, one by one or in bulk."""
