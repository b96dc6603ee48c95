"""What the wallets may raise; each error names the command that helps."""

from typing import ClassVar

from cloudpay.chains.network import Network
from cloudpay.kernel.errors import ConfigurationError, Conflict, InvalidRequest, Unavailable


class WalletMissing(Unavailable):
    """There is no wallet yet."""

    code: ClassVar[str] = "wallet_missing"

    def __init__(self) -> None:
        super().__init__("This gateway has no wallet yet. Run `cloudpay wallet init` first.")


class WalletExists(Conflict):
    """A second wallet was to be made; it would orphan every address that was handed out."""

    code: ClassVar[str] = "wallet_exists"

    def __init__(self, fingerprint: str) -> None:
        super().__init__(
            f"This gateway has a wallet already (fingerprint {fingerprint}); a second one is refused, "
            "since the addresses that were handed out belong to the first. "
            "To start anew, use an empty data folder and database."
        )
        self.fingerprint = fingerprint


class AccountsExhausted(Unavailable):
    """No account public key was derived ahead for this account."""

    code: ClassVar[str] = "accounts_exhausted"

    def __init__(self, key_family: str, account: int) -> None:
        super().__init__(
            f"No public key is derived yet for account {account} of key family {key_family!r}. Run "
            f"`cloudpay wallet accounts --upto {account + 256}` where the seal key lies; no restart is needed."
        )
        self.key_family, self.account = key_family, account


class InvalidMnemonic(InvalidRequest):
    """Imported words are not a BIP-39 phrase; the words themselves are never part of the message."""

    code: ClassVar[str] = "invalid_mnemonic"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"These words are not a BIP-39 phrase: {reason}.", errors={"mnemonic": [f"{reason}."]}
        )


class WrongSeed(ConfigurationError):
    """The sealed seed is not the one that the stored public keys were derived from."""

    code: ClassVar[str] = "wrong_seed"

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(
            f"The sealed seed (fingerprint {found}) is not the one of this wallet (fingerprint {expected}), "
            "or its stored public keys were changed. Nothing was derived. "
            "Restore the database from a backup that you trust."
        )


class UnknownToken(InvalidRequest):
    """A contract was named that is not listed on the network."""

    code: ClassVar[str] = "unknown_token"

    def __init__(self, token: str, network: Network) -> None:
        listed = ", ".join(
            f"{asset.contract} ({asset.symbol})" for asset in network.assets if asset.contract is not None
        )
        choice = f"choose one of: {listed}; or leave" if listed else "leave"
        sentence = (
            f"{token[:120]!r} is no token that is listed on {network.code}; {choice} it out for the native coin, "
            f"{network.native.symbol}."
        )
        super().__init__(sentence, errors={"token_address": [sentence]})
        self.token, self.network = token, network.code
