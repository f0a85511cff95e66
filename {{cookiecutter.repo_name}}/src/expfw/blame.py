"""Errors of components, turned into one sentence that says whose error it was and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from expfw.errors import ComponentError
from expfw.run.place import at

HINTS = {
    "contains NaN": "let features fill missing values (TabularFeatures), or drop the rows (preparer DropMissing)",
    "could not convert string to float": "let features encode categories (TabularFeatures)",
}
"""What to do next, for the errors that people meet first."""


@contextmanager
def blame(who: object, what: str, fold: int | None = None) -> Iterator[None]:
    """Turn any error in the block into a :class:`ComponentError` that names the component, as the log does meanwhile.

    Args:
        who: the component, for example ``model sklearn.svm.SVC``.
        what: what it was asked to do.
        fold: number of the fold, from 0, or None outside folds; people are told it from 1, as in the log.

    Raises:
        ComponentError: from whatever was raised; ``sys.exit`` in a component counts as an error, too.

    Example:
        >>> with blame("model MyModel", "fit", fold=2):
        ...     1 / 0
        Traceback (most recent call last):
        expfw.errors.ComponentError: model MyModel: fit failed in fold 3: ZeroDivisionError: division by zero
    """
    component = str(who).rsplit(maxsplit=1)[-1].rsplit(".", 1)[-1]
    with at(component=component, **({} if fold is None else {"fold": fold})):
        try:
            yield
        except ComponentError as error:
            raise ComponentError(f"{who}: {error}") from error
        except (Exception, SystemExit) as error:
            where = "" if fold is None else f" in fold {fold + 1}"
            first_line = next(iter(str(error).strip().splitlines()), "no message")
            hint = next((f"; {hint}" for text, hint in HINTS.items() if text in str(error)), "")
            raise ComponentError(f"{who}: {what} failed{where}: {type(error).__name__}: {first_line}{hint}") from error
