"""Addresses of TRON: derived from public keys, read from people, written for wallets."""

import re
import unicodedata

from cloudpay.chains.errors import InvalidAddress
from cloudpay.chains.hd import derive_public_key
from cloudpay.chains.types import PaymentRequest, PaymentUri
from cloudpay_tron.forms import address_bytes, from_hex, of_public_key
from cloudpay_tron.uris import payment_uri

_LONG = 64  # a transaction id, or a private key
_HEX = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_OWN_HEX = re.compile(r"41[0-9a-fA-F]{40}", re.ASCII)
_OWN = re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}", re.ASCII)
_NEARLY = re.compile(r"T[0-9A-Za-z]{20,50}", re.ASCII)
_OTHER_CASE = re.compile(r"t[0-9A-Za-z]{33}|T[0-9A-Z]{33}", re.ASCII)
_EVM = re.compile(r"0[xX][0-9a-fA-F]{40}", re.ASCII)
_EVM_LIKE = re.compile(r"0[xX]41[0-9a-fA-F]{40}", re.ASCII)
_BITCOIN = re.compile(
    r"(bc1|tb1|bcrt1|ltc1)[0-9a-z]{10,80}|[13mn2][1-9A-HJ-NP-Za-km-z]{25,34}", re.ASCII | re.IGNORECASE
)
_OLD_TEST_NET = re.compile(r"27[1-9A-HJ-NP-Za-km-z]{33}|[aA]0[0-9a-fA-F]{40}", re.ASCII)
_ZERO = bytes(20)


class TronAddresses:
    """The light half of the plugin: pure, without tronpy. Main net and test nets write addresses alike."""

    def __init__(self, network: str) -> None:
        self._network = network

    def derive(self, account_public_key: str, chain: int, index: int) -> str:
        """Answer the address at chain/index below an account's xpub."""
        return of_public_key(derive_public_key(account_public_key, chain, index, compressed=False))

    def parse(self, text: str) -> str:
        """Answer the address in Base58Check, `T…`; 42 hexadecimal digits that begin with 41 are read, too."""
        if not _OWN.fullmatch(text) and not _OWN_HEX.fullmatch(text):
            raise self._invalid(text, _what_is_wrong(text))
        address = from_hex(text.lower()) if _OWN_HEX.fullmatch(text) else text
        try:
            raw = address_bytes(address)
        except ValueError as error:
            raise self._invalid(
                text, "its checksum does not fit: a character, or its case, is wrong"
            ) from error
        if raw[1:] == _ZERO:
            raise self._invalid(text, "it is the zero address, from which nobody can send anything back")
        return address

    def payment_uri(self, request: PaymentRequest) -> PaymentUri:
        """Answer the link for a camera."""
        return payment_uri(request)

    def _invalid(self, text: str, reason: str) -> InvalidAddress:
        # 64 digits may be a private key that somebody pasted by mistake: it must not come back in errors and logs.
        shown = text[:6] + "…" if len(text) > len("41") + 2 * len(_ZERO) + 2 else text
        return InvalidAddress(shown, self._network, reason)


def _what_is_wrong(text: str) -> str:
    """Say in words why this is no address: what somebody pasted by mistake is mostly one of these."""
    strange = next((letter for letter in text if not letter.isascii()), "")
    reasons = (
        (not text, "it is empty"),
        (strange, f"it has a {unicodedata.name(strange or '?', 'strange character')} in it, a look-alike"),
        (text != text.strip(), "it has a space around it"),
        (
            _EVM_LIKE.fullmatch(text),
            "it begins with 0x41: leave out the 0x, or give the address that begins with T",
        ),
        (_EVM.fullmatch(text), "it starts with 0x, as addresses of Ethereum and its siblings do"),
        (_OLD_TEST_NET.fullmatch(text), "it is of a test net that is no more"),
        (_OTHER_CASE.fullmatch(text), "it is not written in its own letters: upper and lower case matter"),
        (_BITCOIN.fullmatch(text), "it looks like a Bitcoin address"),
        (
            _HEX.fullmatch(text) and len(text) == _LONG,
            "it has 64 hexadecimal digits, as a transaction id has",
        ),
        (
            _NEARLY.fullmatch(text) and set("0OIl") & set(text),
            "it has a 0, O, I or l in it, which no address has",
        ),
        (_NEARLY.fullmatch(text), f"it has {len(text)} characters instead of 34"),
    )
    return next(
        (reason for is_so, reason in reasons if is_so), "an address begins with T and has 34 characters"
    )
