"""Benchmarks: they print figures and never fail a build. Compare runs on one machine, not machines."""
