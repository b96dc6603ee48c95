"""What each type of contract does, and when it is refused."""
