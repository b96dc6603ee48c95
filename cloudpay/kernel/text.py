"""One line of text as people write it: bounded, and without control characters."""

import unicodedata

_REFUSED = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line and paragraph separators


def line_problem(text: str, longest: int, shortest: int = 1) -> str | None:
    """Say what is wrong with a line of text, as a sentence, or None when it is fine."""
    if len(text) < shortest or not (text.strip() or shortest == 0):
        return "Write at least one visible character."
    if len(text) > longest:
        return f"Write at most {longest} characters."
    if any(unicodedata.category(each) in _REFUSED for each in text):
        return "Leave out line breaks, tabs and other control characters."
    return None
