"""How a node learns that it need not compute: the hook before it decides, the node's function asks."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from expfw.reuse.linked import Linked

Step = TypeVar("Step", bound=Callable[..., Any])

Taken = Sequence[Linked | dict[int, Linked]]
"""What takes the place of a node's outputs, in their order; of one that is saved in parts, the parts."""


class _Decision(threading.local):
    """What the node takes that this thread is about to run."""

    taken: Taken | None = None


_decision = _Decision()


def decide(taken: Taken | None) -> None:
    """Say what the node that this thread runs next takes; None to let it compute."""
    _decision.taken = taken


def decided() -> Taken | None:
    """What is to be taken; it is told once."""
    taken, _decision.taken = _decision.taken, None
    return taken


def reusable(step: Step) -> Step:
    """A node's function that gives what was decided to be taken instead of computing it.

    Args:
        step: the function; a generator function stays one.

    Example:
        >>> @reusable
        ... def node(x):
        ...     return x + 1
        >>> node(1)
        2
    """
    if inspect.isgeneratorfunction(step):

        @functools.wraps(step)
        def parts(*args: Any, **kwargs: Any) -> Iterator[Any]:
            taken = decided()
            yield from step(*args, **kwargs) if taken is None else taken

        return parts  # type: ignore[return-value]

    @functools.wraps(step)
    def whole(*args: Any, **kwargs: Any) -> Any:
        taken = decided()
        if taken is None:
            return step(*args, **kwargs)
        return taken[0] if len(taken) == 1 else tuple(taken)

    return whole  # type: ignore[return-value]
