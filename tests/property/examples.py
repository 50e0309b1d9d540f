"""How many examples a property draws: as many as the profile says, or in proportion to it."""

from __future__ import annotations

from hypothesis import settings

_USUAL = 100  # what hypothesis draws unless told


def examples(usual: int) -> settings:
    """Settings that draw `usual` examples where profiles draw 100, fewer where they are quick.

    A thorough profile is obeyed: no property draws fewer than it says, whatever is usual.
    """
    profile: int = settings.default.max_examples
    return settings(
        max_examples=max(profile, usual) if profile > _USUAL else max(1, usual * profile // _USUAL)
    )
