"""What somebody should look at, said once: opened with a sentence, cleared when it is over."""
