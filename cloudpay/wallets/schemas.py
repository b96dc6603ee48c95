"""The shapes of wallets on the wire."""

from marshmallow import Schema, fields

from cloudpay.kernel.fields import Amount, Line


class BalanceQuery(Schema):
    """Whose balance: the merchant is the key's own."""

    network = Line(
        40, required=True, metadata={"description": "Network code, in any case.", "example": "evm"}
    )
    token_address = Line(
        120,
        shortest=0,
        load_default="",
        metadata={"description": "Contract of a listed token; left out or empty: the native coin."},
    )


class BalanceSchema(Schema):
    """What lies in the merchant's master wallet on one network, of one asset."""

    network = fields.String()
    address = fields.String(metadata={"description": "The master wallet: send here what payouts need."})
    currency = fields.String()
    token_address = fields.String(allow_none=True)
    decimals = fields.Integer()
    balance = Amount(metadata={"description": "What lies there by the chain, at `block_height`."})
    block_height = fields.Integer()
    available = Amount(metadata={"description": "What lies there, is final, and is promised to no payout."})
    reserved = Amount(metadata={"description": "What is promised to payouts that are not final yet."})
    unswept = Amount(metadata={"description": "What lies at deposit addresses, not yet collected."})
