"""The page on which a payer sees what to send, and where."""
