"""Make Python modules of the TRON plugin's Protocol Buffers (`make protocol`); another folder may be named."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from project import ROOT, VENV

SOURCES = ROOT / "plugins" / "tron"
PROTOCOL = Path("cloudpay_tron") / "protocol" / "tron.proto"


def generate(target: Path) -> None:
    """Write `tron_pb2.py` and its types below the target folder, as they are below plugins/tron."""
    # The compiler brings a library of half a second to import: only who generates pays for it.
    from grpc_tools import protoc

    known = files("grpc_tools") / "_proto"
    command = ["protoc", f"--proto_path={SOURCES}", f"--proto_path={known}"]
    command += [f"--plugin=protoc-gen-mypy={VENV / 'bin' / 'protoc-gen-mypy'}"]
    command += [f"--python_out={target}", f"--mypy_out=quiet:{target}", PROTOCOL.as_posix()]
    if protoc.main(command):
        raise SystemExit("protoc refused tron.proto; what it said stands above")


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCES
    generate(where)
    sys.stdout.write(f"{where / PROTOCOL.parent}: tron_pb2.py, tron_pb2.pyi\n")
