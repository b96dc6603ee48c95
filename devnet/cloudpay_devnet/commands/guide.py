"""What the demo tells the person who started it."""

import sys
from pathlib import Path

from cloudpay_devnet.commands.demo_file import DEFAULT_DIR, FILE_NAME, Access


def guide(folder: Path, access: Access, network: str) -> str:
    """A first payment in two lines to paste."""
    program = _program()
    where = "" if folder == DEFAULT_DIR else f" --data-dir {folder}"
    return f"""
CloudPay runs at {access.base_url}   (API reference: {access.base_url}/api/docs)

1. Create an invoice:

curl -X POST {access.base_url}/api/invoice \\
  -H "x-api-key: {access.api_key}" -H "merchant_id: {access.merchant_id}" -H "content-type: application/json" \\
  -d '{{"amount": "50.00", "currency": "USDT", "network": "{network}", "customer_name": "John Doe", \
"notification_emails": "john@example.com"}}'

2. Pay it, and watch it turn paid on the page at its checkout_url:

{program} devnet pay{where} INVOICE_ID

Keys, addresses and process ids: {folder / FILE_NAME}
Networks:  {program} --config {folder / "cloudpay.toml"} chains
Ctrl-C stops everything.
"""


def _program() -> str:
    """The command as the person can type it here."""
    called = Path(sys.argv[0])
    if called.name != "cloudpay":
        return "cloudpay"
    if called.is_absolute() and called.is_relative_to(Path.cwd()):
        return str(called.relative_to(Path.cwd()))
    return str(called)
