"""What a wallet is told. No TIP says how a payment link of TRON looks; this is the form that is in use.

`tron:ADDRESS?amount=DECIMAL`, and `&token=CONTRACT` for a TRC-20 token, is what wallets and payment pages write. A
wallet that knows less takes the address and asks for the rest, so the page shows amount and token beside the code. A
browser wallet has no request that could be told as one method and its parameters: the transaction is made by tronWeb.
"""

from cloudpay.chains.types import PaymentRequest, PaymentUri


def payment_uri(request: PaymentRequest) -> PaymentUri:
    """Answer the link for a camera; what a merchant wrote is not in it."""
    token = f"&token={request.contract}" if request.contract else ""
    return PaymentUri(f"tron:{request.address}?amount={_decimal(request.amount, request.decimals)}{token}")


def _decimal(amount: int, decimals: int) -> str:
    whole, part = divmod(amount, 10**decimals)
    places = f"{part:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{whole}.{places}" if places else str(whole)
