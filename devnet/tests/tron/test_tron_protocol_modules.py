"""The committed protocol modules are what the committed tron.proto compiles to."""

import subprocess
import sys
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[3]
_COMMITTED = _REPOSITORY / "plugins" / "tron" / "cloudpay_tron" / "protocol"


def test_the_committed_protocol_modules_equal_a_fresh_compilation(tmp_path: Path) -> None:
    command = [sys.executable, str(_REPOSITORY / "scripts" / "protocol.py"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=120)
    fresh = {path.name: path.read_bytes() for path in (tmp_path / "cloudpay_tron" / "protocol").iterdir()}
    assert set(fresh) == {"tron_pb2.py", "tron_pb2.pyi"}
    assert fresh == {name: (_COMMITTED / name).read_bytes() for name in fresh}
