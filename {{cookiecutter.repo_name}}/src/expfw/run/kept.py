"""Where the catalog keeps an output, and as what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import CatalogProtocol

Catalog = CatalogProtocol[Any, Any]
"""Any catalog of Kedro's, the one of worker processes included."""


def path_of(catalog: Catalog, name: str) -> Path | None:
    """The file or folder that a catalog entry writes; None for one that is no file, or is not there.

    Args:
        catalog: the catalog.
        name: the entry.
    """
    path = getattr(catalog.get(name), "_filepath", None) if name in catalog else None
    return None if path is None else Path(str(path))


def class_of(catalog: Catalog, name: str) -> str | None:
    """The dotted name of a catalog entry's class; None for one that is not there.

    Args:
        catalog: the catalog.
        name: the entry.

    Example:
        >>> from kedro.io import DataCatalog, MemoryDataset
        >>> class_of(DataCatalog({"folds": MemoryDataset()}), "folds")
        'kedro.io.memory_dataset.MemoryDataset'
    """
    if name not in catalog:
        return None
    kind = type(catalog.get(name))
    return f"{kind.__module__}.{kind.__qualname__}"


def fold_model_file(folder: Path, fold: int) -> Path:
    """Where the model of one fold is kept.

    Args:
        folder: the folder of all fold models.
        fold: number of the fold.
    """
    return folder / f"fold_{fold}.pkl"
