"""Your data sources: where the rows come from."""

from __future__ import annotations

from expfw.interfaces import Data


class MyDataSource:
    """Loads the rows; edit :meth:`load` so that it reads your data, and give the constructor what that needs.

    A CSV or Parquet file, or an entry of the catalog, needs no class of your own: see ``CsvFile``, ``ParquetFile``
    and ``CatalogEntry``.

    Args:
        classes: how many of the three cultivars of wine to load, 2 or 3.
    """

    def __init__(self, classes: int = 3) -> None:
        self.classes = classes

    def load(self) -> Data:
        """Load all rows."""
        from sklearn.datasets import load_wine

        table = load_wine(as_frame=True).frame
        table = table[table["target"] < self.classes]
        return Data(X=table.drop(columns="target"), y=table["target"])
