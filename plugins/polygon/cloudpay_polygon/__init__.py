"""Polygon PoS and its test net Amoy, over the EVM plugin."""
