"""A merchant's side: threads that ask the gateway for something, again and again until they are answered."""

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import requests

from tests.kills.stack import Stack

_PATIENCE = 150.0


class Clients(ABC):
    """What they ask for, and what answers they accept, is for those derived from it."""

    def __init__(self, stack: Stack, seed: int, threads: int = 2) -> None:
        self.stack, self.seed = stack, seed
        self.refusals: list[str] = []
        self.failure: BaseException | None = None
        self.asked = 0
        self.lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(f"{seed}:{number}"),), daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    @abstractmethod
    def has_room(self) -> bool:
        """Whether something more may be asked for."""

    @abstractmethod
    def serve(self, session: requests.Session, chance: random.Random) -> None:
        """Ask for one thing, and see it through."""

    def ask_to_stop(self) -> None:
        """Ask for nothing new; what is under way is finished."""
        self._stop.set()

    @property
    def done(self) -> bool:
        """Whether the last one was answered."""
        return not any(thread.is_alive() for thread in self._threads)

    def post(
        self, session: requests.Session, path: str, body: Mapping[str, Any], key: str | None = None
    ) -> requests.Response:
        """Send until the gateway answers: the web process may be killed, and the database away."""
        headers = {**self.stack.headers, **({"Idempotency-Key": key} if key else {})}
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            self.asked += 1
            try:
                answer = session.post(f"{self.stack.api}/{path}", json=body, headers=headers, timeout=(2, 20))
            except requests.RequestException:  # the web process was killed: ask again
                time.sleep(0.02)
                continue
            if answer.ok:
                return answer
            self.refusals.append(f"{answer.status_code} {code_of(answer)}")
            if answer.status_code != 503:
                return answer
            time.sleep(0.1)
        raise AssertionError(f"no answer to {path} within {_PATIENCE:.0f} s: {self.refusals[-3:]}")

    def _run(self, chance: random.Random) -> None:
        try:
            with requests.Session() as session:
                session.trust_env = False
                while not self._stop.wait(chance.uniform(0.0, 0.15)):
                    if self.has_room:
                        self.serve(session, chance)
        except BaseException as error:  # noqa: BLE001  # the run reports it
            self.failure = error


def code_of(answer: requests.Response) -> str:
    """Answer an error's code and what it says."""
    try:
        found: Mapping[str, Any] = answer.json()
    except ValueError:
        return answer.text[:100]
    code, detail = found.get("code"), str(found.get("detail"))
    return f"{code}: {detail[:120]}"
