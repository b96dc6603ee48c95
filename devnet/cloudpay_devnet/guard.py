"""Runs a program that cannot outlive the process that wanted it, not even after `kill -9`.

    python guard.py PARENT_PID WORK_DIR PROGRAM ARGUMENT...

A forked watcher waits for the parent or the program to end; this process then becomes the program, so that
its pid is the one that the parent started. Linux' PR_SET_PDEATHSIG is no help here: it fires when the THREAD
that started the program ends. Only the standard library is used, and little of it, as this runs before every
node.
"""

import contextlib
import os
import select
import signal
import sys

GRACE_SECONDS = 5.0  # a node writes its chain to disk when it is asked to stop


if sys.platform == "linux":

    def wait_for_end(pids: list[int], seconds: float | None) -> set[int]:
        """Those of `pids` that have ended, once one has, or none after `seconds`."""
        poll = select.poll()
        watched: dict[int, int] = {}
        for pid in pids:
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                return {pid}
            watched[descriptor] = pid
            poll.register(descriptor, select.POLLIN)
        ended = {
            watched[descriptor] for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000)
        }
        for descriptor in watched:
            os.close(descriptor)
        return ended

else:

    def wait_for_end(pids: list[int], seconds: float | None) -> set[int]:
        """Those of `pids` that have ended, once one has, or none after `seconds`."""
        queue = select.kqueue()
        for pid in pids:
            event = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
            try:
                queue.control([event], 0)
            except ProcessLookupError:
                return {pid}
        ended = {event.ident for event in queue.control(None, len(pids), seconds)}
        queue.close()
        return ended


def watch(parent: int, program: int, work_dir: str) -> None:
    """End the program after its parent has ended, and clear away what the parent cannot clear any more."""
    if parent not in wait_for_end([parent, program], None):
        return
    os.kill(program, signal.SIGTERM)
    if not wait_for_end([program], GRACE_SECONDS):
        os.kill(program, signal.SIGKILL)
    import shutil

    shutil.rmtree(work_dir, ignore_errors=True)


def main(parent: int, work_dir: str, command: list[str]) -> None:
    """Leave a watcher behind and become the program."""
    program = os.getpid()
    if os.fork() == 0:
        # A program that ends by itself between two looks leaves the watcher nothing to do.
        with contextlib.suppress(ProcessLookupError):
            watch(parent, program, work_dir)
        os._exit(0)
    if os.getppid() != parent:
        sys.exit("the parent ended before its program began")
    os.execv(command[0], command)  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
