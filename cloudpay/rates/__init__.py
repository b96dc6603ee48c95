"""Rates: what an amount of US dollars is in an asset."""
