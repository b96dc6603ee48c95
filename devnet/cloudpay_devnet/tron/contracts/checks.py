"""What the contracts' checks share."""

from cloudpay_devnet.tron.addresses import is_address, to_base58
from cloudpay_devnet.tron.errors import InvalidContractError
from cloudpay_devnet.tron.records import Account
from cloudpay_devnet.tron.world import World


def require(condition: object, sentence: str) -> None:
    """Refuse the contract with a sentence unless the condition holds."""
    if not condition:
        raise InvalidContractError(sentence)


def owner_account(world: World, address: bytes, sentence: str = "") -> Account:
    """The account that a contract acts for."""
    require(is_address(address), "Invalid address")
    account = world.account(address)
    if account is None:
        raise InvalidContractError(sentence or f"Account[{to_base58(address)}] does not exist")
    return account


def burn(world: World, address: bytes, fee: int, sentence: str) -> int:
    """Take a fee from an account; return it."""
    require(world.balance(address) >= fee, sentence)
    world.pay(address, -fee)
    return fee
