"""Ethereum and, by configuration alone, every other EVM chain."""
