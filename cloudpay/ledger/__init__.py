"""The ledger: double entry, so that no money appears or disappears unseen."""
