"""Addresses of EVM chains: derived from public keys, read from people, written for wallets."""

import re
import unicodedata

from cloudpay.chains.errors import InvalidAddress
from cloudpay.chains.hd import derive_public_key
from cloudpay.chains.types import PaymentRequest, PaymentUri
from cloudpay_evm.checksum import checksummed, keccak256
from cloudpay_evm.uris import payment_uri

_DIGITS = 40
_LONG = 64  # a transaction id, a private key, an address of Aptos, Sui or Starknet
_HEX = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_TRON = re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}", re.ASCII)
_BITCOIN = re.compile(
    r"(bc1|tb1|bcrt1|ltc1)[0-9a-z]{10,80}|[13mn2][1-9A-HJ-NP-Za-km-z]{25,34}", re.ASCII | re.IGNORECASE
)
_NAME = re.compile(r"[^\s]+\.(eth|crypto|bnb|x)", re.ASCII | re.IGNORECASE)


class EvmAddresses:
    """The light half of the plugin: pure, without web3."""

    def __init__(self, network: str, chain_id: int) -> None:
        self._network, self._chain_id = network, chain_id

    def derive(self, account_public_key: str, chain: int, index: int) -> str:
        """Answer the address at chain/index below an account's xpub: the last 20 bytes of the key's Keccak-256."""
        point = derive_public_key(account_public_key, chain, index, compressed=False)
        return checksummed(keccak256(point[1:])[-20:].hex())

    def parse(self, text: str) -> str:
        """Answer the address with its EIP-55 checksum; all lower and all upper case carry none and are accepted."""
        prefix, digits = text[:2], text[2:]
        if prefix not in ("0x", "0X") or len(digits) != _DIGITS or not _HEX.fullmatch(digits):
            raise self._invalid(text, _what_is_wrong(text))
        address = checksummed(digits.lower())
        if digits not in (digits.lower(), digits.upper(), address[2:]):
            raise self._invalid(text, "its checksum does not fit: a character, or its case, is wrong")
        if not int(digits, 16):
            raise self._invalid(text, "it is the zero address, from which nobody can send anything back")
        return address

    def payment_uri(self, request: PaymentRequest) -> PaymentUri:
        """Answer the EIP-681 link and the request for a browser wallet."""
        return payment_uri(request, self._chain_id)

    def _invalid(self, text: str, reason: str) -> InvalidAddress:
        # 64 digits may be a private key that somebody pasted by mistake: it must not come back in errors and logs.
        shown = text[:6] + "…" if len(text) > 2 + _DIGITS else text
        return InvalidAddress(shown, self._network, reason)


def _what_is_wrong(text: str) -> str:
    """Say in words why this is no address: what somebody pasted by mistake is mostly one of these."""
    strange = next((letter for letter in text if not letter.isascii()), "")
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    reasons = (
        (not text, "it is empty"),
        (strange, f"it has a {unicodedata.name(strange or '?', 'strange character')} in it, a look-alike"),
        (text != text.strip(), "it has a space around it"),
        (_TRON.fullmatch(text), "it looks like a TRON address"),
        (_BITCOIN.fullmatch(text), "it looks like a Bitcoin address"),
        (_NAME.fullmatch(text), "it is a name, and names are not looked up: give the address itself"),
        (not _HEX.fullmatch(digits), "an address is 0x and 40 hexadecimal digits"),
        (len(digits) == _LONG, "it has 64 hexadecimal digits, as a transaction id has, instead of 40"),
        (len(digits) != _DIGITS, f"it has {len(digits)} hexadecimal digits instead of 40"),
    )
    return next((reason for is_so, reason in reasons if is_so), "it must begin with 0x")
