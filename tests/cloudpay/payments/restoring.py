"""Backing a wallet up, and bringing it back somewhere else."""

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.secrets import KEY_BYTES, SealKey
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.service import MerchantView
from cloudpay.payments.restore import Report, restore
from cloudpay.wallets.backups import Contents, back_up, open_backup
from cloudpay.wallets.service import ours
from tests.cloudpay.shop import Shop

PASSPHRASE = "correct horse battery staple"
SEAL_KEY = SealKey(bytes(KEY_BYTES))
OTHER_WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
AHEAD = 40


def contents_of(gateway: Gateway) -> Contents:
    """Answer what a backup of a gateway made now holds."""
    return open_backup(back_up(gateway, SEAL_KEY, PASSPHRASE, actor="cli:test"), PASSPHRASE, "w.backup")


def bring_back(gateway: Gateway, contents: Contents, seal_key: SealKey = SEAL_KEY) -> Report:
    """Restore it somewhere."""
    return restore(gateway, seal_key, contents, actor="cli:test", ahead=AHEAD, tell=lambda _what: None)


def held(gateway: Gateway, merchant: MerchantView, kind: AccountKind) -> int:
    """Answer what the books of a merchant hold on one kind of account."""
    with gateway.db.read() as session:
        found = balances(session, merchant.id, livemode=False)
    return sum(each.debits - each.credits for key, each in found.items() if key.kind is kind)


def watched(gateway: Gateway, address: str) -> bool:
    """Say whether an address is known to be ours."""
    with gateway.db.read() as session:
        return address in ours(session, "fake", [address])


def fund(shop: Shop, address: str, units: int) -> None:
    """Have money come to an address, for good."""
    shop.chain.fund(address, units)
    shop.mine(5)
