"""`Conflicts`: the pairs of enabled transitions that cannot be served together, for a batch of markings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Conflicts"]


class Conflicts:
    """Conflicts of B markings, as compressed sparse rows.

    Attributes:
        offsets: int64 (B + 1,); row i is `pairs[offsets[i]:offsets[i + 1]]`.
        pairs: int32 (N, 2), transition indices, the smaller first, rows in lexicographic order.
    """

    def __init__(
        self, offsets: npt.NDArray[np.int64], pairs: npt.NDArray[np.int32], transitions: Sequence[str]
    ) -> None:
        self.offsets = offsets
        self.pairs = pairs
        self._transitions = transitions

    def __len__(self) -> int:
        """The number of markings."""
        return len(self.offsets) - 1

    def of(self, i: int = 0) -> npt.NDArray[np.int32]:
        """The pairs of marking i, int32 (n, 2)."""
        if not 0 <= i < len(self):
            raise IndexError(f"marking {i} of {len(self)}")
        return self.pairs[self.offsets[i] : self.offsets[i + 1]]

    def sets(self, i: int = 0) -> list[tuple[str, ...]]:
        """The conflict sets of marking i: connected components of its pairs, by name, in transition order."""
        parent: dict[int, int] = {}

        def root(t: int) -> int:
            while parent.setdefault(t, t) != t:
                parent[t] = t = parent[parent[t]]
            return t

        for t, u in self.of(i).tolist():
            low, high = sorted((root(t), root(u)))
            parent[high] = low
        members: dict[int, list[int]] = {}
        for t in sorted(parent):
            members.setdefault(root(t), []).append(t)
        return [tuple(self._transitions[t] for t in group) for group in members.values()]

    def __repr__(self) -> str:
        return f"<Conflicts: {len(self.pairs)} pairs in {len(self)} markings>"
