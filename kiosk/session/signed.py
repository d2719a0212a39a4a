"""Signed meter values in a sale: what is billed by them, and what is for a person when they do not hold.

Where the operator requires them, nothing is billed that they do not prove. Where they are only checked, the registers bill whatever they
do not prove, and a person is told of a contradiction.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.metering.billing import Profile
from kiosk.metering.judge import judge
from kiosk.metering.proof import ENCODING, Proof, prove
from kiosk.metering.reading import Delivered, Limits, Reading, Validity, Verdict
from kiosk.pricing.load import tariff_of
from kiosk.pricing.model import Dimension, Restrictions, Tariff
from kiosk.session import facts as f
from kiosk.session.decision import Decision
from kiosk.session.inputs import SignedData, SignedRead
from kiosk.session.state import Session, signer
from kiosk.values import MWH_PER_WH

_MOST_KEPT = 16  # begin and end, and what a pile repeats of them
_CLOCKS_APART_MS = 600_000
_RESOLUTION_MWH = 20 * MWH_PER_WH  # two values of a register that counts in 10 Wh
_JITTER_MS = 10_000  # between the moments at which register and signed value were read
_OPEN_ENDED = frozenset({"no_end", "stale"})  # registers that are only incomplete contradict nothing
_BY_TIME = (Dimension.TIME, Dimension.PARKING_TIME)
# What a person should see where the registers bill all the same: another meter's or sale's values, or a meter that calls itself faulty.
_WORTH_A_LOOK = frozenset(
    ("backwards", "contradicts", "energy_error", "exception", "implausible", "meter_status", "other_meter", "other_time", "page_used")
)


def keep(d: Decision, s: Session, i: SignedRead) -> None:
    """Signed values that come before the end are in evidence until then."""
    if d.policy.signed == "ignore":
        return
    for digest in (one.digest for one in i.signed if one.digest is not None):
        if len(d.k.sessions[s.id].signed) < _MOST_KEPT:
            d.note(f.SignedValueKept(d.at, s.id, digest))


def weigh(d: Decision, s: Session, told: tuple[SignedData, ...], registers: Delivered, limits: Limits) -> Delivered:
    """What was delivered, given what the registers say and what was signed."""
    rule = d.policy.signed
    if rule == "ignore" or (rule == "check" and not told):
        return registers
    proof = _proof(d, s, told)
    signed = _as_delivered(d, s, proof, registers)
    reasons = (*proof.reasons, *_used_before(d, proof)) if proof.reasons else _doubts(d, s, proof, signed, registers, limits)
    _note(d, s, proof, signed, reasons, told)
    if not reasons:
        return signed
    if rule == "require":
        return _unproven(registers, reasons)
    if proof.validity is Validity.INVALID or not _WORTH_A_LOOK.isdisjoint(reasons):
        d.note(f.ReviewOpened(d.at, s.id, "signed_doubtful", ", ".join(reasons), None))
    return registers


def weigh_late(d: Decision, s: Session, told: tuple[SignedData, ...]) -> None:
    """They came after the sale was settled: what they prove is noted, and changes nothing by itself."""
    if d.policy.signed == "ignore" or not told or s.weighed is not None:
        return
    proof = _proof(d, s, told)
    _note(d, s, proof, None, (*proof.reasons, "too_late"), told)


def weigh_anew(d: Decision, s: Session, told: tuple[SignedData, ...], limits: Limits) -> None:
    """A signed value came after the end; `told` has all that came before it too. Where nothing but the proof was missing, and nobody has
    decided yet, it is what is billed."""
    before = s.weighed
    new = before is None or not {one.digest for one in told} <= set(before.evidence)
    if d.policy.signed != "require" or s.priced is not None or not s.reviewed("meter_unproven") or before is None:
        weigh_late(d, s, told)
        return
    if not new or len(told) > _MOST_KEPT or s.delivered is None or "page_used" in before.reasons:
        return
    if not all(reason.startswith("signed_") for reason in s.delivered.reasons):
        return
    registers = replace(s.delivered, verdict=Verdict.VALID, reasons=())
    proof = _proof(d, s, told)
    signed = _as_delivered(d, s, proof, registers)
    reasons = proof.reasons or _doubts(d, s, proof, signed, registers, limits)
    if reasons == ("page_used",) and _of_this_sale(d, before, proof):
        reasons = ()
    _note(d, s, proof, signed, reasons, told)
    if not reasons:
        why = "the meter's signed end came after the end"
        d.note(f.ReviewDecided(d.at, s.id, "meter_unproven", "capture", signed.mwh, "kiosk", why), f.MeterDecided(d.at, s.id, signed))


def _of_this_sale(d: Decision, before: f.SignedValuesWeighed, proof: Proof) -> bool:
    """Whether the page that was last used is of this very sale's values, which were weighed before the last of them was there."""
    known = d.k.pages.get(signer(proof.key, proof.source), -1)
    same = (before.key, before.source) == (proof.key, proof.source)
    return same and before.last_page == known and proof.last_page is not None and proof.last_page > known


def lost(d: Decision, registers: Delivered) -> Delivered:
    """No end came, so nobody signed one."""
    return _unproven(registers, ("no_value",)) if d.policy.signed == "require" else registers


def _proof(d: Decision, s: Session, told: tuple[SignedData, ...]) -> Proof:
    connector = d.k.setup.by_id.get(s.connector)
    key, serial = (connector.meter_key, connector.meter_serial) if connector else ("", "")
    profile = Profile.ENERGY_AND_TIME if s.quote and counts_time(tariff_of(s.quote)) else Profile.ENERGY
    return prove([one.data for one in told], key, profile, serial)


def counts_time(tariff: Tariff) -> bool:
    """Whether the price depends on when or how long, so that the meter's clock must be one that may be billed by."""
    components = (component for element in tariff.elements for component in element.components)
    return any(c.type in _BY_TIME for c in components) or any(_by_clock(e.restrictions) for e in tariff.elements)


def _by_clock(r: Restrictions | None) -> bool:
    if r is None:
        return False
    limits = (r.start_time, r.end_time, r.start_date, r.end_date, r.min_duration, r.max_duration)
    return bool(r.day_of_week) or any(limit is not None for limit in limits)


def _as_delivered(d: Decision, s: Session, proof: Proof, registers: Delivered) -> Delivered:
    """The signed amounts, at the signed times where the meter's clock is good for it, else at those of the registers."""
    begin, end = proof.begin, proof.end
    if begin is None or end is None:
        return Delivered(0, None, None, Verdict.UNVERIFIABLE, proof.reasons)
    if not proof.timed:
        began = registers.begin or s.begin
        begin_ms = began.utc_ms if began else d.at.utc_ms
        end_ms = registers.end.utc_ms if registers.end else d.at.utc_ms
        begin, end = replace(begin, utc_ms=begin_ms), replace(end, utc_ms=max(begin_ms, end_ms))
    return Delivered(proof.mwh, begin, end, Verdict.VALID)


def _doubts(d: Decision, s: Session, proof: Proof, signed: Delivered, registers: Delivered, limits: Limits) -> tuple[str, ...]:
    """What speaks against sound values: that they are of another transaction, or that the registers tell another story."""
    doubts = {
        "page_used": bool(_used_before(d, proof)),
        "other_time": proof.timed and d.at.trusted and _other_time(d, s, signed),
        "implausible": judge((), limits, begin=signed.begin, end=signed.end, ended_at=d.at.utc_ms).reasons != (),
        "contradicts": _contradicts(signed, registers, limits),
    }
    return tuple(reason for reason, found in doubts.items() if found)


def _used_before(d: Decision, proof: Proof) -> tuple[str, ...]:
    used = proof.first_page is not None and proof.first_page <= d.k.pages.get(signer(proof.key, proof.source), -1)
    return ("page_used",) if used else ()


def _other_time(d: Decision, s: Session, signed: Delivered) -> bool:
    assert signed.begin is not None and signed.end is not None
    told = [start.utc_ms for start in (s.begin, s.started_at) if start is not None]
    began = any(abs(signed.begin.utc_ms - utc_ms) <= _CLOCKS_APART_MS for utc_ms in told)
    return not began or signed.end.utc_ms > d.at.utc_ms + _CLOCKS_APART_MS


def _contradicts(signed: Delivered, registers: Delivered, limits: Limits) -> bool:
    if registers.verdict is not Verdict.VALID:
        return registers.verdict is Verdict.REVIEW and not _OPEN_ENDED.issuperset(registers.reasons)
    most = _RESOLUTION_MWH + limits.max_power_w * _JITTER_MS // 3_600
    return abs(signed.mwh - registers.mwh) > most


def _unproven(registers: Delivered, reasons: tuple[str, ...]) -> Delivered:
    """The registers' word without the proof that is required; that nothing was delivered needs none."""
    if registers.verdict is Verdict.VALID and not registers.mwh and "contradicts" not in reasons:
        return registers
    verdict = Verdict.REVIEW if registers.verdict is Verdict.VALID else registers.verdict
    return replace(registers, verdict=verdict, reasons=(*registers.reasons, *(f"signed_{reason}" for reason in reasons)))


def _note(d: Decision, s: Session, proof: Proof, signed: Delivered | None, reasons: tuple[str, ...], told: tuple[SignedData, ...]) -> None:
    begin: Reading | None = signed.begin if signed else proof.begin
    end: Reading | None = signed.end if signed else proof.end
    evidence = tuple(one.digest for one in told if one.digest is not None)
    d.note(
        f.SignedValuesWeighed(d.at, s.id, proof.validity, reasons, ENCODING, proof.key, proof.source, proof.last_page, begin, end, evidence)
    )
