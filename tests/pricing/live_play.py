"""Plays a sale twice: told to a live meter as it happens, and priced afterwards from everything that is known. Both must be one sum.

A sale that comes out differently is cut down to the least that still does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from types import MappingProxyType

from live_world import Case, Event

from kiosk.metering.reading import Delivered, Reading, Verdict
from kiosk.pricing.canonical import canonical, tariff_hash
from kiosk.pricing.discounts import discount
from kiosk.pricing.meter import Meter
from kiosk.pricing.model import Element, SaleTerms
from kiosk.pricing.periods import cut
from kiosk.pricing.quote import Quote
from kiosk.pricing.rate import bill, settle_sale
from kiosk.pricing.rating import Rating
from kiosk.pricing.rules import rules_text, under
from kiosk.pricing.tally import Plan, Tally
from kiosk.pricing.terms import billed
from kiosk.pricing.usage import Pause, Segment, State, Usage, usage_from
from kiosk.session import ending
from kiosk.session.decision import Decision
from kiosk.session.facts import Priced
from kiosk.session.setup import Policy, Setup
from kiosk.session.state import Kiosk, Session
from kiosk.session.state import Pause as Paused
from kiosk.values import ConnectorId, Ids, Moment, Money, SessionId

_ASKED_EVERYTHING = 8  # one in so many
_BY = {State.PARKED: "car", State.WITHHELD: "pile"}
_NO_IDS: Ids = None  # type: ignore[assignment]
_SALE = SessionId("live")


@dataclass(frozen=True, slots=True)
class Difference:
    """`live` is what the meter showed at `place`, `batch` what the other evaluation says."""

    place: str
    live: object
    batch: object


class Player:
    """Compares case after case with one kind of meter, and counts what they were about."""

    def __init__(self, kind: type[Meter] = Meter) -> None:
        self._kind = kind
        self.seen: Counter[str] = Counter()

    def play(self, case: Case, number: int) -> Difference | None:
        """The first difference. `number` is the case's own: by it one moment on the way is chosen, and who is asked everything."""
        return next(self._differences(case, {number % (len(case.events) + 1)}, whole=number % _ASKED_EVERYTHING == 0), None)

    def least(self, case: Case) -> tuple[Case, Difference]:
        """A case that differs, cut down as far as it still does."""
        found = self._thorough(case)
        assert found is not None
        smaller = True
        while smaller:
            smaller = False
            for candidate in _smaller(case):
                if (still := self._thorough(candidate)) is not None:
                    case, found, smaller = candidate, still, True
                    break
        return case, found

    def _thorough(self, case: Case) -> Difference | None:
        return next(self._differences(case, set(range(len(case.events) + 1)), whole=True), None)

    def _differences(self, case: Case, probes: set[int], *, whole: bool) -> Iterator[Difference]:
        tariff, zone, rules = case.tariff, case.zone, case.rules

        def batch(usage: Usage) -> Rating:
            rating = bill(tariff, usage, zone)
            return discount(rating, tariff, rules, usage) if rules else rating

        meter = self._kind(tariff, case.begin, zone=zone)
        late = min(probes)  # the discounts may come in the middle
        self.seen["sales"] += 1
        for i, event in enumerate(case.events):
            if i == late and rules:
                meter.discounted(rules)
            told = _tell(meter, event)
            if i in probes and i >= late:
                self.seen["prices compared on the way"] += 1
                if (then := batch(meter.usage())) != told:
                    yield Difference(f"after event {i + 1}", told, then)
        if rules:
            meter.discounted(rules)
        end = max([case.begin.utc_ms, *(e.utc_ms for e in case.events)])
        meter.turn(State.PARKED, end)
        final = meter.tick(case.vacated_ms)
        usage = meter.usage()
        priced = batch(usage)
        self._count(case, usage, priced)
        if final != priced:
            yield Difference("at the end", final, priced)
        story = _story(case)
        if story is not None:
            self.seen["priced from the journal's values alone"] += 1
            if (known := batch(story)) != final:
                yield Difference("from the values alone", final, known)
        if whole:
            yield from self._aside(case, usage, final, story)

    def _aside(self, case: Case, usage: Usage, final: Rating, story: Usage | None) -> Iterator[Difference]:
        if not case.rules:
            self.seen["priced again from the periods of a CDR"] += 1
            again = settle_sale(_of_periods(case, usage))
            if again != final:
                yield Difference("from the periods of the CDR", final, again)
        if story is not None:
            self.seen["priced as a sale, zero-energy rule and all"] += 1
            yield from _as_a_sale(case, story)
        if case.reserved:
            self.seen["with a reservation"] += 1
            yield from _reserved(case, usage)

    def _count(self, case: Case, usage: Usage, rating: Rating) -> None:
        tariff = case.tariff
        vats = {line.vat for line in rating.lines}
        codes = {line.code for line in rating.lines}
        seen = {
            "values told": sum(e.mwh is not None for e in case.events),
            "turns told": sum(e.state is not None for e in case.events),
            "nothing drawn": not any(s.mwh for s in usage.segments),
            "with discounts": bool(case.rules),
            "over the night of another length": _offset(case, usage.start_utc_ms) != _offset(case, usage.end_utc_ms),
            "longer than a day": usage.end_utc_ms - usage.start_utc_ms > 86_400_000,
            "several VAT rates billed": len(vats) > 1,
            "least price owed": "MIN_PRICE" in codes,
            "most price reached": "MAX_PRICE" in codes,
            "idle cap reached": "IDLE_CAP" in codes,
            "parked time billed": "PARKING_TIME" in codes,
            "with a grace": tariff.sale.idle_grace_seconds > 0,
            "several prices for energy": sum(line.code == "ENERGY" for line in rating.lines) > 1,
            "pauses within": any(s.state is not State.CHARGING for s in usage.segments[:-1]),
        }
        self.seen.update({name: int(count) for name, count in seen.items() if count})


def _tell(meter: Meter, event: Event) -> Rating:
    if event.state is not None:
        return meter.turn(event.state, event.utc_ms)
    if event.mwh is not None:
        return meter.add(Reading(event.utc_ms, event.mwh))
    return meter.tick(event.utc_ms)


def _offset(case: Case, utc_ms: int) -> object:
    return datetime.fromtimestamp(utc_ms // 1_000, Plan(case.tariff, case.zone).zone).utcoffset()


def _story(case: Case) -> Usage | None:
    """The usage as it is computed afterwards; None where the meter could not know what is known then: values that came late or jumped back,
    or whose end never came."""
    parts = _parts(case)
    if parts is None:
        return None
    readings, pauses = parts
    *between, end = readings
    return usage_from(case.begin, end, readings=between, pauses=pauses, vacated_at=case.vacated_ms)


def _parts(case: Case) -> tuple[list[Reading], list[Pause]] | None:
    events = case.events
    if not events or events[-1].mwh is None:
        return None
    at, mwh = case.begin.utc_ms, case.begin.mwh
    readings: list[Reading] = []
    pauses: list[Pause] = []
    for event in events:
        if event.utc_ms < at or (event.mwh is not None and event.mwh < mwh):
            return None
        at = event.utc_ms
        if event.mwh is not None:
            mwh = event.mwh
            readings.append(Reading(at, mwh))
        elif event.state is not None:
            if pauses and pauses[-1].end_utc_ms is None:
                pauses[-1] = replace(pauses[-1], end_utc_ms=at)
            if event.state in _BY:
                pauses.append(Pause(at, None, _BY[event.state]))
    return readings, pauses


def _of_periods(case: Case, usage: Usage) -> Tally:
    """What somebody else makes of the charging periods we write."""
    periods = cut(case.tariff, usage, case.zone, case.tariff.sale.idle_grace_seconds).periods
    segments = tuple(Segment(p.start_utc_ms, p.start_utc_ms + p.ms, p.mwh, p.state, p.power_w, p.current_ma) for p in periods)
    return Tally.of_periods(Plan(case.tariff, case.zone), Usage(usage.start_utc_ms, usage.end_utc_ms, segments))


def _reserved(case: Case, usage: Usage) -> Iterator[Difference]:
    """A reservation counted part by part, and what follows segment by segment, every sum so far drawn; and all of it at once."""
    plan, grace = Plan(case.tariff, case.zone), case.tariff.sale.idle_grace_seconds * 1_000
    start = usage.start_utc_ms - sum(case.reserved)
    segments = () if case.expired else usage.segments
    grown, at = Tally(plan, start, grace), start
    for part in case.reserved:
        grown.reserve(Segment(at, at + part, 0, State.RESERVED), case.expired)
        settle_sale(grown.copy())
        at += part
    for segment in segments:
        grown.add(segment)
        settle_sale(grown.copy())
    whole = Segment(start, usage.start_utc_ms, 0, State.RESERVED)
    live, batch = settle_sale(grown), bill(case.tariff, Usage(start, usage.end_utc_ms, (whole, *segments), case.expired), case.zone)
    if live != batch:
        yield Difference("with its reservation", live, batch)


def _as_a_sale(case: Case, story: Usage) -> Iterator[Difference]:
    """The price that a sale of the journal is fixed at: under a quote, without the stay. Nothing delivered costs nothing."""
    parts = _parts(case)
    assert parts is not None
    readings, pauses = parts
    end = readings[-1]
    if any(r.utc_ms in (case.begin.utc_ms, end.utc_ms) for r in readings[:-1]):
        return  # two values of one instant: a sale keeps the first and the last
    plain = Quote("live", canonical(case.tariff), tariff_hash(case.tariff), case.zone, Money(1, case.tariff.currency), "en", ())
    quote = under(plain, case.rules) if rules_text(case.rules) else plain
    meter = Meter(quote, case.begin)
    for event in case.events:
        _tell(meter, event)
    live = meter.turn(State.PARKED, end.utc_ms)
    ended = _moment(end.utc_ms)
    s = Session(
        _SALE, ConnectorId("1"), _moment(case.begin.utc_ms), quote,
        free="nobody pays",
        begin=case.begin,
        readings=tuple(readings[:-1]),
        pauses=tuple(Paused(p.by, _moment(p.start_utc_ms), None if p.end_utc_ms is None else _moment(p.end_utc_ms)) for p in pauses),
        delivered=Delivered(end.mwh - case.begin.mwh, case.begin, end, Verdict.VALID),
        ended_at=ended, vacated_at=ended,
    )  # fmt: skip
    setup = Setup("live", case.tariff.currency, (), Policy(margin=Money(0, "EUR"), smallest_hold=Money(0, "EUR")))
    decision = Decision(Kiosk(setup, sessions=MappingProxyType({_SALE: s})), ended, _NO_IDS)
    ending.price(decision, s)
    (fixed,) = (fact.rating for fact in decision.facts if isinstance(fact, Priced))
    if end.mwh == case.begin.mwh:
        if fixed.total.minor or fixed.lines:
            yield Difference("as a sale of nothing", "nothing is owed", fixed)
    elif not fixed == live == billed(quote, usage_from(case.begin, end, readings=readings[:-1], pauses=pauses)):
        yield Difference("as a sale", live, fixed)


def _moment(utc_ms: int) -> Moment:
    return Moment(utc_ms, "", utc_ms * 1_000_000)


# --- the least that differs ------------------------------------------------------------------------------------------------------


def _smaller(case: Case) -> Iterator[Case]:
    """The case with one thing less, in each way there is."""
    for i in range(len(case.events)):
        yield replace(case, events=(*case.events[:i], *case.events[i + 1 :]))
    for i in range(len(case.rules)):
        yield replace(case, rules=(*case.rules[:i], *case.rules[i + 1 :]))
    if case.reserved:
        yield replace(case, reserved=(), expired=False)
        yield replace(case, reserved=case.reserved[1:])
    end = max([case.begin.utc_ms, *(e.utc_ms for e in case.events)])
    if case.vacated_ms != end:
        yield replace(case, vacated_ms=end)
    if case.begin.mwh:
        less = tuple(e if e.mwh is None else replace(e, mwh=e.mwh - case.begin.mwh) for e in case.events)
        yield replace(case, begin=replace(case.begin, mwh=0), events=less)
    tariff = case.tariff
    for i, element in enumerate(tariff.elements):
        rest = (*tariff.elements[:i], *tariff.elements[i + 1 :])
        if rest:
            yield replace(case, tariff=replace(tariff, elements=rest))
        for simpler in _simpler(element):
            yield replace(case, tariff=replace(tariff, elements=(*tariff.elements[:i], simpler, *tariff.elements[i + 1 :])))
    for name in ("min_price", "max_price"):
        if getattr(tariff, name) is not None:
            yield replace(case, tariff=replace(tariff, **{name: None}))
    if tariff.sale != SaleTerms():
        yield replace(case, tariff=replace(tariff, sale=SaleTerms()))


def _simpler(element: Element) -> Iterator[Element]:
    for i, component in enumerate(element.components):
        if len(element.components) > 1:
            yield replace(element, components=(*element.components[:i], *element.components[i + 1 :]))
        for plain in (replace(component, vat=None), replace(component, step_size=1)):
            if plain != component:
                yield replace(element, components=(*element.components[:i], plain, *element.components[i + 1 :]))
    rules = element.restrictions
    if rules is not None:
        yield replace(element, restrictions=None)
        for field in fields(rules):
            nothing = () if field.name == "day_of_week" else None
            if getattr(rules, field.name) != nothing:
                yield replace(element, restrictions=replace(rules, **{field.name: nothing}))


def told(case: Case, found: Difference) -> str:
    """A differing case in lines that a person can follow."""
    lines = [f"differs {found.place}:", f"  live   {_rated(found.live)}", f"  batch  {_rated(found.batch)}", f"zone {case.zone}"]
    lines += [f"tariff {canonical(case.tariff)}"]
    lines += [f"discounts {rules_text(case.rules)}"] if case.rules else []
    lines += [f"reserved {case.reserved}{' and expired' if case.expired else ''}"] if case.reserved else []
    lines += [f"begin {case.begin.utc_ms} ms {case.begin.mwh} mWh"]
    lines += [f"  {e.utc_ms} ms {e.state.value if e.state else 'tick' if e.mwh is None else f'{e.mwh} mWh'}" for e in case.events]
    return "\n".join([*lines, f"vacated {case.vacated_ms} ms"])


def _rated(found: object) -> str:
    if not isinstance(found, Rating):
        return str(found)
    return f"{found.total}: " + ", ".join(f"{line.code} {line.quantity} at {line.unit_price} = {line.incl}" for line in found.lines)


# --- meters that are wrong on purpose --------------------------------------------------------------------------------------------


class _GraceAgain(Meter):
    """The free minutes begin again with every look at the clock."""

    def _so_far(self) -> Tally:
        tally = self._tally.copy()
        tally.grace_ms = tally.plan.tariff.sale.idle_grace_seconds * 1_000
        for segment in self._unread():
            tally.add(segment)
        return tally


class _UnreadForgotten(Meter):
    """Time counts only when a value comes."""

    def _unread(self) -> list[Segment]:
        return []


class _BonusOnce(Meter):
    """Of several off-peak bonuses, or of one, the energy of the last value is not counted."""

    def _commit(self, mwh: int) -> None:
        bonuses, self._bonuses = self._bonuses, {}
        super()._commit(mwh)
        self._bonuses = bonuses


class _WholeWattHours(Meter):
    """A register is cut to watt-hours on its way in."""

    def _commit(self, mwh: int) -> None:
        super()._commit(mwh // 1_000 * 1_000)


class _PauseForgotten(Meter):
    """A turn counts from the next value on."""

    def turn(self, state: State, utc_ms: int) -> Rating:
        self._state = state
        return super().turn(state, utc_ms)


class _LateTally(Tally):
    __slots__ = ()

    def _select(self, at: int, flow: tuple[object, object]) -> None:
        super()._select(at, flow)  # type: ignore[arg-type]
        self._until_ms += 1_000


class _SwitchLate(Meter):
    """Prices switch a second late."""

    def __init__(self, terms: object, begin: Reading, *, zone: str = "") -> None:
        super().__init__(terms, begin, zone=zone)  # type: ignore[arg-type]
        plan = self._tally.plan
        self._tally = _LateTally(plan, self._start, plan.tariff.sale.idle_grace_seconds * 1_000)


MUTANTS: Mapping[str, type[Meter]] = {
    "grace-again": _GraceAgain,
    "unread-forgotten": _UnreadForgotten,
    "bonus-once": _BonusOnce,
    "whole-watt-hours": _WholeWattHours,
    "pause-forgotten": _PauseForgotten,
    "switch-late": _SwitchLate,
}
