"""Whether every value of one JSON schema is a value of another: proven from the schemas, or why it is not."""

from __future__ import annotations

from typing import Any

__all__ = ["lost_fields", "narrower"]

_BOUNDS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "uniqueItems", "format", "propertyNames", "contentEncoding", "patternProperties",
)  # fmt: skip
_DEEPEST = 50


def narrower(old: dict[str, Any], new: dict[str, Any]) -> str | None:
    """Why a value of `old` may not be one of `new`; None if every one is, with all fields that both know."""
    return _Comparison(old, new).narrower(old, new, "", 0)


def lost_fields(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The fields at the top of `old` that `new` does not know: their values would be dropped."""
    comparison = _Comparison(old, new)
    old, new = comparison.old(old), comparison.new(new)
    if "properties" not in old or new.get("additionalProperties") not in (None, False):
        return []
    return [field for field in old["properties"] if field not in new.get("properties", {})]


class _Comparison:
    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self._old = old.get("$defs", {})
        self._new = new.get("$defs", {})

    def old(self, schema: Any) -> Any:
        return _resolved(schema, self._old)

    def new(self, schema: Any) -> Any:
        return _resolved(schema, self._new)

    def narrower(self, old: Any, new: Any, path: str, depth: int) -> str | None:
        old, new = self.old(old), self.new(new)
        if depth > _DEEPEST:  # a type that holds itself: nothing was found on the way down
            return None
        if new in ({}, True):
            return None
        if old in ({}, True):
            return f"{_at(path)} may be anything, and is restricted now"
        for one in old.get("anyOf", old.get("oneOf", ())):
            reason = self.narrower(one, new, path, depth + 1)
            if reason is not None:
                return reason
        if "anyOf" in old or "oneOf" in old:
            return None
        if "anyOf" in new or "oneOf" in new:
            alternatives = new.get("anyOf", new.get("oneOf"))
            reasons = [self.narrower(old, one, path, depth + 1) for one in alternatives]
            return None if None in reasons else reasons[0]
        return self._plain(old, new, path, depth)

    def _plain(self, old: Any, new: Any, path: str, depth: int) -> str | None:
        if "const" in new or "enum" in new:
            allowed = new.get("enum", [new.get("const")])
            values = old.get("enum", [old["const"]] if "const" in old else None)
            if values is None:
                return f"{_at(path)} was not restricted to {allowed!r}"
            gone = [one for one in values if one not in allowed]
            return f"{_at(path)} may not be {gone[0]!r} any more" if gone else None
        before, after = old.get("type", old.get("python")), new.get("type", new.get("python"))
        if before != after and (before, after) != ("integer", "number"):
            return f"{_at(path)} was of type {before}, and is of type {after}"
        for bound in _BOUNDS:
            if bound in new and new[bound] != old.get(bound):
                return f"{_at(path)} has another bound, {bound} {new[bound]!r}"
        if before == "object":
            return self._fields(old, new, path, depth)
        if before == "array":
            if new.get("prefixItems", []) != old.get("prefixItems", []):
                return f"{_at(path)} has other elements"
            return self.narrower(old.get("items", {}), new.get("items", {}), f"{path}[]", depth + 1)
        return None

    def _fields(self, old: Any, new: Any, path: str, depth: int) -> str | None:
        before, after = old.get("properties", {}), new.get("properties", {})
        for field in new.get("required", ()):
            if field not in before:
                return f"{_at(f'{path}.{field}')} is required now, and had no value"
        for field, schema in before.items():
            if field in after:
                reason = self.narrower(schema, after[field], f"{path}.{field}", depth + 1)
                if reason is not None:
                    return reason
            elif new.get("additionalProperties") is False:
                return f"{_at(f'{path}.{field}')} is not allowed any more"
        if isinstance(new.get("additionalProperties"), dict):
            more = old.get("additionalProperties", {})
            return self.narrower(more, new["additionalProperties"], f"{path}.*", depth + 1)
        return None


def _resolved(schema: Any, definitions: dict[str, Any]) -> Any:
    if not isinstance(schema, dict) or "$ref" not in schema:
        return schema
    beside = {name: value for name, value in schema.items() if name != "$ref"}
    found = definitions.get(schema["$ref"].rpartition("/")[2], {})
    return {**found, **beside}


def _at(path: str) -> str:
    return f"{path.removeprefix('.')!r}" if path else "it"
