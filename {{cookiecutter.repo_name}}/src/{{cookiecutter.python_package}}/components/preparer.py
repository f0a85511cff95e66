"""Your preparers: what is done to all rows alike before they are split."""

from __future__ import annotations

from expfw.interfaces import Data


class MyPreparer:
    """Changes rows one by one; edit :meth:`prepare`, and return new rows instead of changing those that you are given.

    It sees test rows too, so it must not learn from them (no means, no frequencies): that belongs into ``features``.
    """

    def prepare(self, data: Data) -> Data:
        """Return the prepared rows; here with a column that is the ratio of two others."""
        table = data.X.assign(hue_per_colour=data.X["hue"] / data.X["color_intensity"])
        return Data(X=table, y=data.y, groups=data.groups)
