"""Several server processes count as one."""

import os
import subprocess
import sys
from pathlib import Path

from cloudpay.chains.gateway import Gateway

COUNT = """
from served import make
client = make().test_client()
client.get("/healthz")
print(client.get("/metrics").get_data(as_text=True))
"""


def test_requests_of_all_server_processes_add_up(gateway: Gateway, tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    environment = {
        **os.environ,
        "SERVED_DATABASE": gateway.db.url,
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[3])]),
    }
    for expected in (1, 2):
        done = subprocess.run(
            [sys.executable, "-c", COUNT],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        line = 'cloudpay_http_requests_total{method="GET",route="/healthz",status="200"}'
        assert f"{line} {expected}.0" in done.stdout, done.stderr
        assert "cloudpay_outbox_pending 0.0" in done.stdout
