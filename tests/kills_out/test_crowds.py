"""Many at once, on real sockets and in real processes: one batch for all of them, and no nonce twice."""

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.kills_out.matrix import open_run
from tests.kills_out.roles import PLACES

pytestmark = [pytest.mark.flow, pytest.mark.slow, pytest.mark.timeout(300)]

NOBODY_DIES = dict.fromkeys(PLACES, ())
CROWD = 50


def test_f63_fifty_equal_batches_on_real_sockets_make_one_and_get_fifty_equal_answers(
    tmp_path: Path, empty_database: str
) -> None:
    with open_run(tmp_path, 1, empty_database, places=NOBODY_DIES) as run:
        for _ in range(2):
            run.start_beside("web")
        batch = run.merchants.new(random.Random(1), 5, at_once=True)
        url, barrier = f"{run.stack.api}/user/payouts/bulk/api", threading.Barrier(CROWD, timeout=60)

        def post(turn: int) -> tuple[int, str]:
            items = batch.body["items"][:: 1 if turn % 2 else -1]
            barrier.wait()
            answer = requests.post(
                url, json={**batch.body, "items": items}, headers=run.stack.headers, timeout=120
            )
            return answer.status_code, json.dumps(answer.json(), sort_keys=True)

        with ThreadPoolExecutor(CROWD) as threads:
            answers = list(threads.map(post, range(CROWD)))
        assert {status for status, _told in answers} == {201}
        assert len({told for _status, told in answers}) == 1
        run.merchants.accepted(batch, json.loads(answers[0][1]))
        assert run.calm_down()
        assert run.verdict().faults == []


def test_f68_three_senders_on_one_wallet_that_take_over_from_each_other_share_no_nonce(
    tmp_path: Path, empty_database: str
) -> None:
    with open_run(tmp_path, 2, empty_database, places=NOBODY_DIES) as run:
        for _ in range(2):
            run.start_beside("send")
        for _ in range(8):
            run.steal_lease(f"send:{run.stack.ground.code}")
            run.kill(None, seconds=1.5)
        assert run.calm_down()
        assert run.verdict().faults == []
        assert len(run.merchants.items) > 10
