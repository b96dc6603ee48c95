"""Wallets: the sealed seed, account public keys, and the addresses that belong to invoices."""
