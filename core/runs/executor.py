"""Start the worker of a row; `local` is the only executor for now."""

from pathlib import Path

from core.runs import devices, hosts, processes


def start(kind: str, job_id: str, *, device: str, log: Path) -> None:
    """Start a worker for a run or an engine task on a device of this machine.

    On the CPU it is forked from the preloaded host; a CUDA device needs a fresh process, because a
    forked one cannot use CUDA.
    """
    if device == devices.CPU and hosts.fork(kind, job_id, log=log):
        return
    processes.start(
        hosts.engine_module("worker"),
        [kind, job_id],
        log=log,
        environment=devices.environment(device),
    )
