"""TRON and its test nets."""
