"""Secrets in a node's address or sent to it, kept out of what it says: some quote the path, and with it the key."""

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus, urlsplit

_FEW = 3
"""Letters up to which a part of an address is no secret, as `v3` or `rpc`."""
_COVER = "[hidden]"


class Veil:
    """Hides every longer part of one address but its host: path segments, query, user and password; and `others`."""

    def __init__(self, url: str, others: Iterable[str] = ()) -> None:
        parts = urlsplit(url)
        user_info = parts.netloc.rpartition("@")[0]
        texts = [*re.split(r"[/;]", parts.path), *user_info.split(":", 1), parts.query, parts.fragment]
        texts += [value for pair in parts.query.split("&") for value in (pair, pair.partition("=")[2])]
        secrets = {each for text in texts for each in (text, unquote_plus(text)) if len(each) > _FEW}
        secrets.update(filter(None, others))
        longest_first = sorted(secrets, key=lambda each: (-len(each), each))
        self._secrets = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)

    def over(self, told: str) -> str:
        """Answer a text without any of it."""
        return self._secrets.sub(_COVER, told)
