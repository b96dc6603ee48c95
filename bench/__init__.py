"""Benchmarks: each prints figures, the machine they hold for, and the command that repeats them. None is a test."""
