"""One line of text as people write it: bounded, and without control characters; and as others' words are shown."""

import re

_REFUSED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line and paragraph separators, lone surrogates: Unicode's categories Cc, Zl, Zp, Cs."""


def line_problem(text: str, longest: int, shortest: int = 1) -> str | None:
    """Say what is wrong with a line of text, as a sentence, or None when it is fine."""
    if len(text) < shortest or not (text.strip() or shortest == 0):
        return "Write at least one visible character."
    if len(text) > longest:
        return f"Write at most {longest} characters."
    if _REFUSED.search(text):
        return "Leave out line breaks, tabs and other control characters."
    return None


def shown(text: str) -> str:
    """Answer foreign words as they may be shown and kept: a blank for each character that cannot be printed.

    What a node, an endpoint or a buyer wrote must neither move the cursor of a terminal nor turn the direction of what
    follows; and PostgreSQL keeps no NUL.
    """
    return "".join(each if each.isprintable() else " " for each in text)
