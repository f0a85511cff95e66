"""All experiments as rows, quickly however many there are; derived from their folders, which are the truth."""

from expfw.index.direction import better_is_lower
from expfw.index.row import Row
from expfw.index.same_data import best_on_same_data, digests_of
from expfw.index.store import read_index

__all__ = ["Row", "best_on_same_data", "better_is_lower", "digests_of", "read_index"]
