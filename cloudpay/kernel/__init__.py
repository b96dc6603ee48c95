"""What every capability stands on: settings, database, money, ids, states, errors, log, clock, plugins."""
