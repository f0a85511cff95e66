"""Which of two values of a metric is the better one."""

from __future__ import annotations

import re

_ERRORS = re.compile(
    r"(?:error|loss|deviance|perplexity|divergence|davies_bouldin_score|(?:^|_)(?:rmse|mse|mae|mape|rmsle))(?:_\d+)?$",
    re.IGNORECASE,
)


def better_is_lower(metric: str) -> bool:
    """Whether smaller values of a metric are better: errors, losses, deviances, by their names.

    The value of a scikit-learn scorer is the better the greater it is, whatever it measures: those for errors have
    names that begin with ``neg_`` and give the negative error. Functions of ``sklearn.metrics`` are recorded under
    their own names, and those that measure an error say so at the end (``davies_bouldin_score`` excepted).

    Args:
        metric: its name on record, with or without ``validation.`` or ``test.``; also a second one, ``max_error_2``.

    Example:
        >>> [better_is_lower(name) for name in ("accuracy", "test.log_loss", "neg_log_loss", "mean_squared_error_2")]
        [False, True, False, True]
    """
    name = metric.rpartition(".")[2]
    return _ERRORS.search(name) is not None and not name.startswith("neg_")
