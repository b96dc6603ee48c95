"""Collecting: what was paid goes from deposit addresses to the master wallet, and surplus on to a cold one."""
