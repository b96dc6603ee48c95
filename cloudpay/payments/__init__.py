"""Money seen coming in: the watcher, the payments it found, and the state of each network."""
