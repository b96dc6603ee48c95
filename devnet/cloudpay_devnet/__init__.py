"""Real local chain nodes with funded accounts and tokens: for the demo, the tests and plugin authors."""
