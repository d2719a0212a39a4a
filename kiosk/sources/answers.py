"""An answer as JSON, in a file or over HTTP: strictly read, for a misspelt key in it would be a discount that nobody gets.

    {"for_seconds": 900, "discounts": [{"type": "SOLAR", "name": "Sun", "funded_by": "site", "price": 0.29, "permille": 600}]}
    {"until": "2026-12-01T00:00:00Z", "groups": {"silver": [...]}, "cards": {"9f0c…": "silver"}}
    {"for_seconds": 3600, "spot": {"name": "Spot", "funded_by": "operator", "from_price": 0.49, "markup": 0.21, "slots": [...]}}

Discounts are as `kiosk.pricing.rules` has them. `cards` maps keyed hashes to the groups whose discounts they get.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from kiosk.pricing.discounts import Discount
from kiosk.pricing.load import parse
from kiosk.pricing.model import PricingError
from kiosk.pricing.rules import rules_from
from kiosk.sources.api import Answer, Question, SourceError
from kiosk.sources.spot import spot_rules

LARGEST = 1_000_000
_KEYS = {"until", "for_seconds", "as_of", "discounts", "groups", "cards", "spot"}
_MOST_SECONDS = 31 * 86_400


def answer_in(data: bytes, question: Question) -> Answer:
    """The answer to `question` in `data`. Raises `SourceError`."""
    if len(data) > LARGEST:
        raise SourceError(f"{len(data)} bytes are no answer: at most {LARGEST} are read")
    try:
        body = parse(data)
        if not isinstance(body, Mapping):
            raise SourceError("is not an object with discounts, groups and cards, or spot")
        if unknown := sorted(str(key) for key in body.keys() - _KEYS):
            raise SourceError(f"{unknown[0]}: unknown key: known are {', '.join(sorted(_KEYS))}")
        as_of = None if body.get("as_of") is None else _moment("as_of", body["as_of"])
        return Answer(_discounts(body, question), _until(body, question), as_of)
    except PricingError as error:
        raise SourceError(str(error)) from None


def _until(body: Mapping[str, object], question: Question) -> int:
    seconds = body.get("for_seconds")
    if (seconds is None) == (body.get("until") is None):
        raise SourceError("until or for_seconds is missing: say how long this is good, by one of them")
    if seconds is None:
        return _moment("until", body["until"])
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= _MOST_SECONDS:
        raise SourceError(f"for_seconds: write whole seconds, from 1 to {_MOST_SECONDS}")
    return question.utc_ms + seconds * 1_000


def _moment(key: str, value: object) -> int:
    try:
        at = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise SourceError(f"{key}: is no moment: write one such as 2026-12-01T00:00:00Z") from None
    if at.tzinfo is None:
        raise SourceError(f"{key}: has no time zone: end it in Z")
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000


def _discounts(body: Mapping[str, object], question: Question) -> tuple[Discount, ...]:
    rules = list(rules_from(body.get("discounts", []), question.currency, question.zone))
    groups, cards = body.get("groups", {}), body.get("cards", {})
    if not isinstance(groups, Mapping) or not isinstance(cards, Mapping):
        raise SourceError("groups and cards: are objects, from names to discounts and from keyed hashes to names")
    by_group = {name: rules_from(group, question.currency, question.zone) for name, group in groups.items()}
    if lost := sorted({str(name) for name in cards.values()} - by_group.keys()):
        raise SourceError(f"cards: there is no group {lost[0]!r} in groups")
    mine = dict.fromkeys(str(cards[card]) for card in question.cards if card in cards)
    rules += [rule for name in mine for rule in by_group[name]]
    if (spot := body.get("spot")) is not None:
        rules += spot_rules(spot, question)
    return tuple(rules)
