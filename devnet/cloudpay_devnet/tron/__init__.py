"""A TRON full node for development: `python -m cloudpay_devnet.tron`."""
