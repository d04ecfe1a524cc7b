"""Independent tables at the same time, in one session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

# More than the cores of a laptop: while one table plans on the driver, another computes.
WORKERS = 3


def in_order(needs: Mapping[str, set[str]], work: Callable[[str], None]) -> None:
    """Call `work` for each name after all that it needs; several at a time.

    After a failure nothing new is begun, what runs is waited for, and the first error is raised.
    """
    todo, done = {name: set(need) & set(needs) for name, need in needs.items()}, set()
    running: dict[Future[None], str] = {}
    errors: list[BaseException] = []
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        while todo or running:
            for name in [n for n, need in todo.items() if need <= done] if not errors else []:
                del todo[name]
                running[pool.submit(work, name)] = name
            if not running:
                break
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                if error := future.exception():
                    errors.append(error)
                else:
                    done.add(name)
    if errors:
        raise errors[0]
    if todo:
        raise ValueError(f"these need each other: {', '.join(todo)}")
