"""The ledger held against the chain, to the base unit."""
