"""`python -m cloudpay_devnet.tron`: the node as a process of its own."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from cloudpay_devnet.tron.chain import Chain
from cloudpay_devnet.tron.faults import Faults
from cloudpay_devnet.tron.http.server import Server
from cloudpay_devnet.tron.mining import Miner
from cloudpay_devnet.tron.store import Store


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cloudpay_devnet.tron", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port (default)")
    parser.add_argument("--data-dir", type=Path, help="where the chain is kept; without it, in memory alone")
    parser.add_argument(
        "--block-time",
        type=float,
        default=3.0,
        help="seconds between blocks (default 3); 0 makes a block for each transaction, -1 none but on demand",
    )
    return parser.parse_args()


def main() -> int:
    """Serve until a signal ends it."""
    options = _options()
    if options.data_dir is not None:
        options.data_dir.mkdir(parents=True, exist_ok=True)
    store = Store(None if options.data_dir is None else options.data_dir / "tron.sqlite")
    chain, faults = Chain(store), Faults()
    chain.produce()  # so that the head is of today
    miner = Miner(chain, None if options.block_time < 0 else options.block_time)
    server = Server(options.port, chain, miner, faults)

    for number in (signal.SIGTERM, signal.SIGINT):
        # The server must not be stopped from the thread that serves, which is the one that gets signals.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    sys.stdout.write(f"Listening on 127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)
    miner.stop()
    with chain.lock:
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
