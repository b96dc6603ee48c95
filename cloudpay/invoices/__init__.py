"""Invoices: what a payer is asked for, what came in for it, and what that makes of it."""
