"""Exit codes that the supervisor understands."""

CONFIGURATION_EXIT = 78
"""EX_CONFIG of sysexits.h: starting again changes nothing, a person must act."""
