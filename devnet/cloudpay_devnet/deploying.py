"""Putting devnet's contracts on a chain, at addresses that are the same on every run."""

from cloudpay_devnet.contracts import CREATE2_FACTORY, Deployment, call_data, deployment
from cloudpay_devnet.errors import DevnetError
from cloudpay_devnet.networks import FAUCET, PAYER, TokenSpec
from cloudpay_devnet.sending import Sender

_SUPPLY = 10**12  # whole tokens, for the payer and the faucet each
_DEPLOY_GAS = 3_000_000


def token_deployment(token: TokenSpec, salt: str) -> Deployment:
    """The deployment of a token that the faucet owns."""
    types = ["string", "string", "uint8", "bool", "address"]
    values = [token.name, token.symbol, token.decimals, token.silent, FAUCET.address]
    return deployment("DevToken", types, values, salt)


def forwarder_deployment() -> Deployment:
    """The deployment of the contract that sends value on."""
    return deployment("Forwarder", [], [], "cloudpay")


def is_deployed(sender: Sender, place: Deployment) -> bool:
    """Whether code lies at the address."""
    return sender.node.rpc.text("eth_getCode", place.address, "latest") != "0x"


def deploy(sender: Sender, place: Deployment) -> None:
    """Deploy a contract, unless it is there already, as on a chain loaded from disk."""
    if is_deployed(sender, place):
        return
    sender.settle(sender.send(FAUCET.address, CREATE2_FACTORY, place.call_data, gas=_DEPLOY_GAS))
    if not is_deployed(sender, place):
        raise DevnetError(f"The development contract was not deployed at {place.address}.")


def deploy_token(sender: Sender, token: TokenSpec, place: Deployment) -> None:
    """Deploy a token with its supply; what is there already, also of a set-up cut short, is left as it is."""
    deploy(sender, place)
    supply = _SUPPLY * 10**token.decimals
    request = {"to": place.address, "data": call_data("totalSupply()")}
    minted = sender.node.rpc.number("eth_call", request, "latest") // supply
    for account in (PAYER, FAUCET)[minted:]:
        data = call_data("mint(address,uint256)", account.address, supply)
        sender.settle(sender.send(FAUCET.address, place.address, data))
