"""`demo.json`: what a program, or a person, needs to know about the running demo."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudpay.kernel.errors import CloudPayError
from cloudpay_devnet.networks import DevNetwork

DEFAULT_DIR = Path(".cloudpay-demo")
FILE_NAME = "demo.json"


class NoDemo(CloudPayError):
    """No demo runs in this folder."""

    code = "no_demo"

    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            f"No demo runs in {data_dir}. Start one with `cloudpay demo`, or name its folder with --data-dir."
        )
        self.data_dir = data_dir


@dataclass(frozen=True)
class Access:
    """How a merchant's program reaches the demo's gateway."""

    base_url: str
    merchant_id: str
    api_key: str
    webhook_secret: str


class DemoFile:
    """Writes the file in one piece, so that a reader never sees half of it."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE_NAME

    def write(
        self,
        access: Access,
        networks: Mapping[str, DevNetwork],
        master_wallets: Mapping[str, str],
        processes: Mapping[str, list[int]],
        proxies: Mapping[str, list[str]],
    ) -> None:
        """Replace the file; it holds an API key, so it is this user's alone."""
        content = {
            "base_url": access.base_url,
            "api_url": f"{access.base_url}/api",
            "merchant_id": access.merchant_id,
            "api_key": access.api_key,
            "webhook_secret": access.webhook_secret,
            "networks": {
                name: _network(each, master_wallets[name])
                | ({"fault_proxies": proxies[name]} if name in proxies else {})
                for name, each in networks.items()
            },
            "processes": processes,
        }
        draft = self.path.with_name(f".{FILE_NAME}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file, indent=2)
        draft.replace(self.path)

    def remove(self) -> None:
        """The demo is over."""
        self.path.unlink(missing_ok=True)


def read_demo(data_dir: Path) -> dict[str, Any]:
    """The file of a running demo; raises NoDemo."""
    try:
        content: dict[str, Any] = json.loads((data_dir / FILE_NAME).read_text())
    except FileNotFoundError as error:
        raise NoDemo(data_dir) from error
    return content


def _network(network: DevNetwork, master_wallet: str) -> dict[str, Any]:
    return {
        "family": network.kind.value,  # the same for every network that the same client speaks to
        "rpc_url": network.rpc_url,
        "chain_id": network.chain_id,
        "confirmations": network.confirmations,
        "assets": {
            symbol: {"token_address": asset.token_address, "decimals": asset.decimals}
            for symbol, asset in network.assets.items()
        },
        "payer": {"address": network.payer.address, "private_key": network.payer.private_key},
        "master_wallet": master_wallet,
    }
