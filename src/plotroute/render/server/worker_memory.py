"""What a worker's memory says: end it at once, replace it after this picture, or let it go on."""

from __future__ import annotations

from plotroute.errors import OutOfMemory
from plotroute.render.server.children import WorkerHandle
from plotroute.render.system import process_memory


def kill_if_too_large(worker: WorkerHandle, budget: int) -> None:
    """End a worker that draws and holds more than `budget` bytes beyond those of its start."""
    # The resident bytes cost a hundredth of the private ones to ask for, and are never less.
    if worker.job is None or process_memory.resident_bytes(worker.pid) <= worker.base_memory + budget:
        return
    used = process_memory.private_bytes(worker.pid) - worker.base_memory
    if used > budget:
        worker.kill(OutOfMemory("The plot used more memory than it may", detail=f"{used:,} bytes"))


def reason_to_replace(worker: WorkerHandle, budget: int) -> str | None:
    """Return why a worker that has just drawn has too little room for the next picture, or None."""
    if process_memory.resident_bytes(worker.pid) <= worker.base_memory + budget // 2:
        return None
    kept = process_memory.private_bytes(worker.pid)
    if not worker.floor:
        worker.floor = kept  # the data and what every drawing needs: the next worker would hold it too
        return None
    room = worker.base_memory + budget - worker.floor
    return "it keeps half of the memory that pictures have" if kept - worker.floor > room // 2 else None
