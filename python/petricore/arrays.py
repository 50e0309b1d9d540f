"""Checks at the door: arrays from users become int32 C-order arrays, or errors that say what is wrong."""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from petricore.errors import NetError
from petricore.net import MAX_TOKENS

__all__ = ["as_counts", "as_output"]

_INT32 = np.dtype(np.int32)


def as_counts(
    values: npt.ArrayLike, columns: int, what: str, of: str, *, batch: bool = False
) -> npt.NDArray[np.int32]:
    """`values` as C-contiguous int32 of shape (columns,) or, if `batch`, also (B, columns).

    Returned as it is if it is such an array already, so its sign is left to the core to check on its way
    through.

    Raises:
        NetError: another shape, a dtype that is not integer, or a count outside 0 .. 2^31 - 1.
    """
    if batch and what != "firings" and _fits(values, columns):
        return values  # the common case, without a detour
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise NetError(f"{what}: not an array of counts: {error}") from None
    if array.size == 0 and array.dtype == np.float64 and not isinstance(values, np.ndarray):
        array = array.astype(np.int32)  # an empty list has no dtype of its own
    shapes = f"({columns},) or (batch, {columns})" if batch else f"({columns},)"
    if array.ndim not in ((1, 2) if batch else (1,)) or array.shape[-1] != columns:
        raise NetError(f"{what}: shape {array.shape}, where one count per {of} is needed: {shapes}")
    if array.dtype.kind not in "iu":
        raise NetError(f"{what}: dtype {array.dtype}, where token counts are integers")
    if array.dtype == np.int32:
        if (what == "firings" or not batch) and array.size and int(array.min()) < 0:
            raise _out_of_range(array, what, of)
        return np.ascontiguousarray(array)
    if array.size and (int(array.min()) < 0 or int(array.max()) > MAX_TOKENS):
        raise _out_of_range(array, what, of)
    return np.ascontiguousarray(array, dtype=np.int32)


def _fits(values: npt.ArrayLike, columns: int) -> TypeGuard[npt.NDArray[np.int32]]:
    return (
        isinstance(values, np.ndarray)
        and values.dtype is _INT32
        and values.flags.c_contiguous
        and values.ndim in (1, 2)
        and values.shape[-1] == columns
    )


def _out_of_range(array: npt.NDArray[np.integer], what: str, of: str) -> NetError:
    at = np.argwhere((array < 0) | (array > MAX_TOKENS))[0]
    row = f" (row {at[0]})" if array.ndim == 2 else ""
    return NetError(f"{what}{row}: {of} {at[-1]} has {int(array[tuple(at)])}, not between 0 and {MAX_TOKENS}")


def as_output(out: object, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """`out`, if it is a writable C-contiguous bool array of `shape`; else `NetError`."""
    if not isinstance(out, np.ndarray) or out.dtype != np.bool_ or out.shape != shape:
        found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else repr(type(out).__name__)
        raise NetError(f"out is a bool array of shape {shape}, not {found}")
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise NetError("out is C-contiguous and writable; this array is not")
    return out
