"""What happened, written in the transaction that made it happen, and handed on at least once."""
