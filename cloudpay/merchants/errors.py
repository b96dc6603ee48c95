"""What can be wrong with a merchant, a key or its use; each says what to do."""

from typing import ClassVar

from cloudpay.kernel.errors import Conflict, Forbidden, InvalidRequest, NotFound, Unauthenticated


class UnknownMerchant(NotFound):
    """There is no merchant of this id."""

    code: ClassVar[str] = "merchant_not_found"

    def __init__(self, merchant_id: str) -> None:
        super().__init__(
            f"There is no merchant {merchant_id[:40]!r}; `cloudpay merchant list` names those there are."
        )
        self.merchant_id = merchant_id


class UnknownKey(NotFound):
    """This merchant has no API key of this id."""

    code: ClassVar[str] = "key_not_found"

    def __init__(self, key_id: str) -> None:
        super().__init__(f"There is no API key {key_id[:40]!r}; `cloudpay key list` names those there are.")
        self.key_id = key_id


class EmailTaken(Conflict):
    """The merchant already has a user of this e-mail address."""

    code: ClassVar[str] = "email_taken"

    def __init__(self, email: str) -> None:
        super().__init__(f"There is already a user {email!r} of this merchant; choose another address.")
        self.email = email


class InvalidField(InvalidRequest):
    """One value that an operator gave does not fit."""

    code: ClassVar[str] = "invalid_value"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence, errors={field: [sentence]})
        self.field = field


class NoKey(Unauthenticated):
    """The request has no API key."""

    code: ClassVar[str] = "api_key_missing"

    def __init__(self) -> None:
        super().__init__("This request has no API key; send it in the header x-api-key.")


class BadKey(Unauthenticated):
    """The API key is unknown, revoked or expired; which of them is not told."""

    code: ClassVar[str] = "api_key_invalid"

    def __init__(self) -> None:
        super().__init__(
            "This API key is unknown, revoked or expired; check the header x-api-key, or make a new key."
        )


class OtherMerchant(Unauthenticated):
    """The key belongs to another merchant than the header names."""

    code: ClassVar[str] = "merchant_id_contradiction"

    def __init__(self) -> None:
        super().__init__(
            "The API key does not belong to the merchant that the header merchant_id names; "
            "send that merchant's own key, or leave the header out."
        )


class ScopeMissing(Forbidden):
    """The key lacks the permission."""

    code: ClassVar[str] = "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This API key lacks the scope {scope!r}; use a key that was created with it.")
        self.scope = scope


class AddressNotAllowed(Forbidden):
    """The key may be used from other addresses only."""

    code: ClassVar[str] = "address_not_allowed"

    def __init__(self, address: str) -> None:
        super().__init__(
            f"This API key may not be used from the address {address}; create one whose address list holds it."
        )
        self.address = address


class ModeMismatch(InvalidRequest):
    """A test key was used on a live network, or the other way round."""

    code: ClassVar[str] = "mode_mismatch"

    def __init__(self, network: str, *, live: bool) -> None:
        kind, other = ("live", "test") if live else ("test", "live")
        sentence = (
            f"The network {network} is a {kind} network and this key is a {other} key. "
            f"Use a {kind} key, or a {other} network."
        )
        super().__init__(sentence, errors={"network": [sentence]})
        self.network = network
