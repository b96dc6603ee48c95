"""What a wallet is told: payment links by EIP-681, and the request that a browser wallet signs."""

import json

from cloudpay.chains.types import BrowserRequest, PaymentRequest, PaymentUri

_TRANSFER = "a9059cbb"  # the first four bytes of keccak256("transfer(address,uint256)"), EIP-20


def payment_uri(request: PaymentRequest, chain_id: int) -> PaymentUri:
    """Answer the link for a camera, and eth_sendTransaction for a browser wallet; the page adds its `from`."""
    if request.contract is None:
        uri = f"ethereum:{request.address}@{chain_id}?value={request.amount}"
        call = {"to": request.address, "value": hex(request.amount)}
    else:
        uri = f"ethereum:{request.contract}@{chain_id}/transfer?address={request.address}&uint256={request.amount}"
        call = {
            "to": request.contract,
            "value": "0x0",
            "data": _transfer_data(request.address, request.amount),
        }
    call["chainId"] = hex(chain_id)  # a wallet that is on another chain then refuses, instead of paying there
    return PaymentUri(uri, BrowserRequest("eth_sendTransaction", json.dumps([call])))


def _transfer_data(address: str, amount: int) -> str:
    return f"0x{_TRANSFER}{address[2:].lower():0>64}{amount:064x}"
