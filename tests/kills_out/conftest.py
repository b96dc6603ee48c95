"""What the tests of paying out under kills ask for: the same as those of money coming in."""

from tests.kills.conftest import empty_database

__all__ = ["empty_database"]
