"""Analysis of nets: queries, state spaces, structure. `Engine` has a method for each; the parts are here."""

from __future__ import annotations
