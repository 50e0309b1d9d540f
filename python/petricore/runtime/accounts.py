"""Accounts: the small integers by which a fleet tells users apart, so that it can serve them in turn."""

from __future__ import annotations

from heapq import heappop, heappush

__all__ = ["Accounts"]


class Accounts:
    """One account for each user with sessions in a fleet; sessions without a user share one.

    A user whose last session has left leaves its account to the next new one, so accounts are never more than there
    were users at once.
    """

    def __init__(self) -> None:
        self._accounts: dict[str | None, int] = {}
        self._users: dict[int, str | None] = {}
        self._sessions: dict[int, int] = {}
        """How many are in the fleet, by account."""
        self._free: list[int] = []

    def enter(self, user: str | None) -> int:
        """The account for a session of this user that comes into the fleet."""
        account = self._accounts.get(user)
        if account is None:
            account = heappop(self._free) if self._free else len(self._accounts)
            self._accounts[user], self._users[account], self._sessions[account] = account, user, 0
        self._sessions[account] += 1
        return account

    def leave(self, account: int) -> None:
        """A session of this account has left the fleet."""
        self._sessions[account] -= 1
        if not self._sessions[account]:
            del self._accounts[self._users.pop(account)], self._sessions[account]
            heappush(self._free, account)

    def __len__(self) -> int:
        return len(self._accounts)
