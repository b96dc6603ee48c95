"""The faults by what they spoil: answers, limits, heads, logs, forks, headers, transactions."""
