"""The kinds of sources that other packages bring, found by their entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from kiosk.sources.api import Source, SourceError

GROUP = "pilepay.sources"
Factory = Callable[[Mapping[str, object]], Source]


def plugin(name: str, options: Mapping[str, object], found: Callable[[], tuple[EntryPoint, ...]] | None = None) -> Source:
    """The source that an installed package offers under `name`, made with the options of its table. Raises `SourceError`."""
    points = {point.name: point for point in (found or _installed)()}
    if name not in points:
        raise SourceError(f"no installed package offers a source {name!r}: there are {', '.join(sorted(points)) or 'none'}")
    try:
        factory = cast("Factory", points[name].load())
        source = factory(options)
    except Exception as error:
        raise SourceError(f"the source {name!r} cannot be made: {type(error).__name__}: {error}") from error
    if not callable(getattr(source, "ask", None)):
        raise SourceError(f"the source {name!r} has no ask: it is a {type(source).__name__}")
    return source


def _installed() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))
