"""Decide what a transaction delivered, from registers only.

Energy is billed from proven register values, never from time. A register that runs backwards, leaps beyond what the connector can give, or
comes without a begin is not guessed about: what is proven up to the last sound value is kept, and a person decides about the rest. Nothing
here is ever negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kiosk.metering.reading import Delivered, Limits, Reading, Verdict
from kiosk.values import MWH_PER_KWH, MWH_PER_WH

# Registers wrap at a power of two or of ten, counted in Wh, 0.1 Wh or kWh.
_MODULI = (
    2**23 * MWH_PER_WH // 10,
    2**31 * MWH_PER_WH,
    2**32 * MWH_PER_WH,
    10**5 * MWH_PER_KWH,
    10**6 * MWH_PER_KWH,
    10**7 * MWH_PER_KWH,
)
_SLACK_MWH = 50 * MWH_PER_WH  # resolution and sampling jitter of a meter
_SLACK_MS = 30_000  # values are stamped when sent, not when measured
_STALE_MS = 300_000
_CLOCK_MS = 600_000
_TOO_LONG_MS = 7 * 24 * 3_600_000
_HARMLESS = frozenset({"rollover", "mixed_registers", "clock"})
_OWN_REGISTER_MWH = 1_000 * MWH_PER_KWH  # a lifetime register is told from a session one by this much


def judge(readings: Sequence[Reading], limits: Limits, *, begin: Reading | None, end: Reading | None, ended_at: int) -> Delivered:
    """What was delivered between `begin` and `end`, the transaction's own register values.

    `readings` are the meter values in between, in any order; they stand in for a missing end and reveal a mix of registers. `ended_at` is
    when we learned of the end (UTC ms by our clock). Whenever both ends are there, `mwh` is `end - begin`.

    Reasons that leave the verdict valid: `rollover`, `mixed_registers`, `clock` (the pile's end time was replaced by ours). Reasons for a
    review: `backwards`, `leap`, `ambiguous` (wrapped or counted from the session's start), `too_long` (over a week: some clock was wrong),
    `no_end`, `stale`. Unverifiable: `no_begin`, or `no_end` with nothing in between.
    """
    ordered = sorted(readings, key=lambda r: (r.utc_ms, r.mwh))
    if begin is None:
        return _without_begin(ordered, end)
    reasons: list[str] = []
    track = [begin]
    final = None if end is None else _timed(begin, end, ended_at, reasons)
    for reading in ordered:
        if reading.utc_ms >= begin.utc_ms and (final is None or reading.utc_ms <= final.utc_ms):
            _follow(track, reading, limits, reasons)
    return _without_end(track, reasons, ended_at) if final is None else _to_end(track, final, limits, reasons)


def plausible(before: Reading, after: Reading, limits: Limits) -> bool:
    """Whether a register can have gone from one value to the other."""
    return 0 <= after.mwh - before.mwh <= most_between(before, after, limits)


def most_between(before: Reading, after: Reading, limits: Limits) -> int:
    """The most energy (mWh) the connector can give between two readings: full power, plus tolerance and sampling jitter."""
    ms = max(0, after.utc_ms - before.utc_ms) + _SLACK_MS
    return limits.max_power_w * ms * (100 + limits.tolerance_percent) // (3_600 * 100) + _SLACK_MWH


def _follow(track: list[Reading], reading: Reading, limits: Limits, reasons: list[str]) -> None:
    """Append a sound intermediate value to `track`. A faulty one is noted and passed over."""
    last = track[-1]
    if plausible(last, reading, limits):
        track.append(reading)
    elif (explained := _explain(track, reading, limits, reasons)) is not None:
        track.append(explained)
    else:
        _note(reasons, "backwards" if reading.mwh < last.mwh else "leap")


def _timed(begin: Reading, end: Reading, ended_at: int, reasons: list[str]) -> Reading:
    """The end, with our own time where the pile's cannot be right: before the begin, or in the future."""
    if begin.utc_ms <= end.utc_ms <= ended_at + _CLOCK_MS:
        timed = end
    else:
        _note(reasons, "clock")
        timed = Reading(max(begin.utc_ms, ended_at), end.mwh, end.power_w, end.soc_percent)
    if timed.utc_ms - begin.utc_ms > _TOO_LONG_MS:
        _note(reasons, "too_long")
    return timed


def _to_end(track: list[Reading], end: Reading, limits: Limits, reasons: list[str]) -> Delivered:
    begin, last = track[0], track[-1]
    cut_off = 0 < last.mwh - end.mwh < MWH_PER_WH  # an end in whole watt-hours (OCPP 1.6 meterStop) after finer values
    if (cut_off or plausible(last, end, limits)) and plausible(begin, end, limits):
        # A sound end refutes a faulty value in between.
        kept = tuple(r for r in reasons if r not in {"backwards", "leap"})
        return _delivered(begin, end, kept)
    if (explained := _explain(track, end, limits, reasons)) is not None:
        return _delivered(begin, explained, tuple(reasons))
    _note(reasons, "backwards" if end.mwh < last.mwh else "leap")
    return _delivered(begin, last, tuple(reasons))


def _explain(track: list[Reading], reading: Reading, limits: Limits, reasons: list[str]) -> Reading | None:
    """A value that does not follow, read as one that wrapped or that counts from the session's start.

    Where both would do and nothing before tells them apart, the lesser is taken and a person decides.
    """
    moved = _other_register(track[0], track[-1], reading, limits)
    unwrapped = _rolled_over(track[-1], reading, limits)
    if moved is not None and unwrapped is not None:
        if "mixed_registers" in reasons:
            return moved
        if len(track) == 1:
            _note(reasons, "ambiguous")
            return min(moved, unwrapped, key=lambda r: r.mwh)
    if unwrapped is not None:
        _note(reasons, "rollover")
        return unwrapped
    if moved is not None:
        _note(reasons, "mixed_registers")
    return moved


def _delivered(begin: Reading, end: Reading, reasons: tuple[str, ...]) -> Delivered:
    verdict = Verdict.VALID if _HARMLESS.issuperset(reasons) else Verdict.REVIEW
    return Delivered(end.mwh - begin.mwh, begin, end, verdict, reasons)


def _without_end(track: list[Reading], reasons: list[str], ended_at: int) -> Delivered:
    begin, last = track[0], track[-1]
    _note(reasons, "no_end")
    if ended_at - last.utc_ms > _STALE_MS:
        _note(reasons, "stale")
    verdict = Verdict.REVIEW if len(track) > 1 else Verdict.UNVERIFIABLE
    return Delivered(last.mwh - begin.mwh, begin, last if len(track) > 1 else None, verdict, tuple(reasons))


def _without_begin(ordered: Iterable[Reading], end: Reading | None) -> Delivered:
    reasons = ("no_begin",) if end is not None else ("no_begin", "no_end")
    return Delivered(0, None, end or max(ordered, key=lambda r: r.utc_ms, default=None), Verdict.UNVERIFIABLE, reasons)


def _other_register(begin: Reading, last: Reading, reading: Reading, limits: Limits) -> Reading | None:
    """A value that counts from the session's start while `begin` is of the lifetime register, moved onto that one. Only when the two
    cannot be mistaken for each other."""
    if abs(begin.mwh - reading.mwh) < _OWN_REGISTER_MWH or reading.mwh > begin.mwh:
        return None
    moved = Reading(reading.utc_ms, begin.mwh + reading.mwh, reading.power_w, reading.soc_percent)
    return moved if plausible(last, moved, limits) else None


def _rolled_over(last: Reading, reading: Reading, limits: Limits) -> Reading | None:
    """The value as if the register had not wrapped, if one of the known sizes explains it."""
    for modulus in _MODULI:
        if reading.mwh < last.mwh < modulus:
            unwrapped = Reading(reading.utc_ms, reading.mwh + modulus, reading.power_w, reading.soc_percent)
            if plausible(last, unwrapped, limits):
                return unwrapped
    return None


def _note(reasons: list[str], code: str) -> None:
    if code not in reasons:
        reasons.append(code)
