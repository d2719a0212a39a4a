"""What a kiosk decides: `decide(k, input, at, ids)` is the facts that follow from an input.

Total: an input that makes no sense and touches neither money nor energy yields nothing; one that does becomes an `Orphan…` fact. After
the input itself, the rules of every open sale are applied until they have nothing more to add, so that whatever follows at once lies in
the same append.
"""

from __future__ import annotations

from collections.abc import Callable

from kiosk.pricing.load import tariff_of
from kiosk.pricing.lowering import lowers
from kiosk.pricing.model import PricingError
from kiosk.pricing.quote import Quote
from kiosk.pricing.rules import read_rules, rules_of, under
from kiosk.session import account, corrections, decisions, ending, energy, limit, money, offline, reviews
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.deadlines import deadlines_of
from kiosk.session.decision import Decision
from kiosk.session.facts import Fact, KioskFact, SessionFact
from kiosk.session.inputs import Input, Outcome
from kiosk.session.recall import Recalled
from kiosk.session.sellable import able, sellable
from kiosk.session.state import FLOWING, Kiosk, PaymentState, Session, Stage
from kiosk.values import Ids, Moment, PaymentRef, SessionId

_BEFORE_ENERGY = frozenset({Stage.PAYING, Stage.WAITING_FOR_PLUG, Stage.START_REQUESTED, Stage.START_FAILED})


def decide(k: Kiosk, given: Input | Recalled, at: Moment, ids: Ids) -> tuple[Fact, ...]:
    """The facts that follow from `given` at the moment `at`, in order; empty when nothing does."""
    return advance(k, given, at, ids)[0]


def advance(k: Kiosk, given: Input | Recalled, at: Moment, ids: Ids) -> tuple[tuple[Fact, ...], Kiosk]:
    """`decide`, and the kiosk that its facts fold to."""
    d = Decision(k, at, ids)
    if isinstance(given, Recalled):
        _recalled(d, given.sale, given.given)
    else:
        _dispatch(d, given)
    _follow(d)
    money.watch_loose(d)
    return tuple(d.facts), d.k


def _dispatch(d: Decision, given: Input) -> None:  # noqa: PLR0912 - one arm an input
    match given:
        case i.QuoteAccepted():
            _accept(d, given)
        case i.AnotherCard(session):
            _another_card(d, session)
        case i.DriverCancelled(session):
            _cancel(d, session)
        case i.MoreTime(session):
            _more_time(d, session)
        case i.StopCodeTyped():
            _code_typed(d, given)
        case i.StopAsked():
            _stop(d, given)
        case i.ReprintAsked(session):
            if s := d.k.find(session):
                ending.reprint(d, s)
        case i.PileConnected(pile):
            if pile not in d.k.online:
                d.note(f.PileOnline(d.at, pile))
        case i.PileLost(pile):
            if pile in d.k.online:
                d.note(f.PileOffline(d.at, pile))
        case i.PileBooted(pile, vendor, model):
            d.note(f.PileRebooted(d.at, pile, vendor, model))
        case i.ConnectorChanged():
            energy.connector_changed(d, given)
        case i.TxStarted():
            energy.tx_started(d, given)
        case i.MeterRead():
            energy.meter_read(d, given)
        case i.TxEnded():
            energy.tx_ended(d, given)
        case i.SignedRead():
            energy.signed_read(d, given)
        case i.Outcome():
            _outcome(d, given)
        case i.Confirmation():
            _confirmed(d, given)
        case i.KioskStarted(sound):
            _started(d, sound)
        case _:
            _rarer(d, given)


def _rarer(d: Decision, given: Input) -> None:  # noqa: PLR0912 - one arm an input
    """What a day may pass without."""
    match given:
        case i.StartAgain(session):
            if s := d.open(session):
                energy.start_again(d, s)
        case i.CardRecognised(session):
            if (s := d.open(session)) and s.stage in FLOWING:
                d.note(f.StopProved(d.at, s.id, "card"))
        case i.TagAccepted():
            _accept_tag(d, given)
        case i.TagRecognised(session):
            if s := d.open(session):
                account.recognised(d, s, given)
        case i.DiscountsOffered():
            _lower(d, given)
        case i.RefundAsked(session):
            if s := d.k.find(session):
                corrections.refund(d, s, given)
        case i.ReviewClosed(session):
            if s := d.open(session):
                decisions.decided(d, s, given)
            elif s := d.k.find(session):
                decisions.decided_later(d, s, given)
        case i.TerminalHealth():
            _terminal(d, given)
        case i.ReaderHealth(reachable, detail):
            if reachable is not d.k.reader:
                d.note(f.ReaderReported(d.at, reachable, detail))
        case i.DiskState(low):
            if low is not d.k.disk_low:
                d.note(f.DiskLow(d.at) if low else f.DiskFine(d.at))


def _recalled(d: Decision, sale: Session, given: Input) -> None:
    """Something about a sale that is no longer held: it stays that way, and what is to be done about it is kept by itself."""
    match given:
        case i.Confirmation():
            money.confirmed(d, given, sale)
        case i.RefundAsked():
            corrections.refund(d, sale, given)
        case i.ReviewClosed():
            decisions.decided_later(d, sale, given)
        case i.ReprintAsked():
            corrections.reprint(d, sale)


def _terminal(d: Decision, given: i.TerminalHealth) -> None:
    known = d.k.terminal
    if known is None or (known.reachable, known.host) != (given.reachable, given.host):
        d.note(f.TerminalReported(d.at, given.reachable, given.host, given.detail))


# --- the driver ---------------------------------------------------------------------------------------------------------------


def _accept(d: Decision, given: i.QuoteAccepted) -> None:
    if not (offline.cards_possible(d.k) or offline.given_away(d.k)) or not _opened(d, given):
        return
    if offline.given_away(d.k):
        d.note(
            f.FreeVendGranted(d.at, given.session, "cards_away"),
            f.StopCodeIssued(d.at, given.session, d.ids.stop_code_digest(given.session)),
        )
    else:
        money.request_preauthorization(d, d.k.sessions[given.session])


def _accept_tag(d: Decision, given: i.TagAccepted) -> None:
    if s := d.open(given.session):
        account.pay(d, s, given)
    elif account.possible(d.k, given.account) and _opened(d, given):
        account.accept(d, d.k.sessions[given.session], given.account)


def _opened(d: Decision, given: i.QuoteAccepted | i.TagAccepted) -> bool:
    """Open the sale that was agreed to, where it can be sold."""
    known = given.session in d.k.sessions or any(s.id == given.session for s in d.k.recent)
    if known or not sellable(d.k, given.connector) or not _sound(given.quote, d.k.setup.currency):
        return False
    _free_the_terminal(d)
    d.note(f.SessionOpened(d.at, given.session, given.connector), f.QuoteAgreed(d.at, given.session, given.quote))
    return True


def _sound(quote: Quote, currency: str) -> bool:
    """Whether money can be reserved by it: all in the kiosk's currency, and growing if at all."""
    rules_of(quote)
    currencies = {tariff_of(quote).currency, *(m.currency for m in (quote.hold, quote.step, quote.most) if m is not None)}
    return currencies == {currency} and (quote.step is None or quote.step.minor > 0)


def _lower(d: Decision, given: i.DiscountsOffered) -> None:
    """After the driver has agreed, a price can only fall: what might raise it for any usage is no offer."""
    s = d.open(given.session)
    if s is None or s.quote is None or s.free or s.priced is not None or s.given_up:
        return
    try:
        rules = read_rules(given.discounts_json, s.quote.hold.currency, s.quote.zone)
        before = rules_of(s.quote)
    except PricingError:
        return
    if rules != before and lowers(rules, before):
        quote = under(s.quote, rules)
        d.note(f.PriceLowered(d.at, s.id, quote.discounts_json, quote.discounts_hash, given.why))
        if s.stage in FLOWING:
            limit.foresee_anew(d, d.k.sessions[s.id])


def _free_the_terminal(d: Decision) -> None:
    """Somebody else stands at the screen now: the card they show must never pay for the sale before."""
    for s in tuple(d.k.sessions.values()):
        if s.stage is Stage.PAYING and s.money_open:
            _cancel(d, s.id)


def _another_card(d: Decision, session: SessionId) -> None:
    s = d.open(session)
    if s is not None and money.another_card_possible(s, d.policy):
        money.request_preauthorization(d, s)


def _cancel(d: Decision, session: SessionId) -> None:
    s = d.open(session)
    if s is None or s.stage not in _BEFORE_ENERGY:
        return
    money.request_abort(d, s)
    d.note(f.SessionGivenUp(d.at, s.id, "cancelled"))


def _more_time(d: Decision, session: SessionId) -> None:
    s = d.open(session)
    if s and s.stage is Stage.WAITING_FOR_PLUG and s.plug_until and s.stage_at:
        longest = s.stage_at.plus(3 * d.policy.plug_s)
        until = d.at.plus(d.policy.plug_s)
        if until.utc_ms <= longest.utc_ms:
            d.note(f.PlugAwaited(d.at, s.id, until))


def _code_typed(d: Decision, given: i.StopCodeTyped) -> None:
    s = d.open(given.session)
    if s is None or s.stop_code is None or s.ended_at is not None:
        return
    if s.code_locked_until is not None and not d.at.reached(s.code_locked_until):
        return
    if given.digest == s.stop_code:
        d.note(f.StopProved(d.at, s.id, "code"))
        return
    misses = s.code_misses + 1
    lock = d.at.plus(d.policy.code_lock_s) if misses % d.policy.code_misses == 0 else None
    d.note(f.StopCodeMissed(d.at, s.id, misses, lock))


def _stop(d: Decision, given: i.StopAsked) -> None:
    s = d.open(given.session)
    if s is None or s.stage not in FLOWING or s.stops:
        return
    if given.by != "operator":
        proved = s.proved_by == given.by and s.proved_at is not None and not d.at.reached(s.proved_at.plus(d.policy.proof_s))
        if not proved:
            return
    energy.request_stop(d, s, given.by)


# --- outcomes -----------------------------------------------------------------------------------------------------------------


def _outcome(d: Decision, given: Outcome) -> None:
    ref = given.request
    if (m := d.k.loose.get(ref)) is not None:
        return money.modification_answered(d, money.sale_of(m), m, given.result)
    if (paper := d.k.reprints.get(ref)) is not None:
        return ending.reprinted(d, paper, given.result)
    for s in (*d.k.sessions.values(), *d.k.recent):
        if not ref.startswith(s.id):
            continue
        if payment := s.payments.get(PaymentRef(ref)):
            return money.preauthorization_answered(d, s, payment, given.result)
        if modification := s.modifications.get(ref):
            return money.modification_answered(d, s.id, modification, given.result)
        if start := next((x for x in s.starts if x.request == ref), None):
            return energy.start_answered(d, s, start, given.result)
        if stop := next((x for x in s.stops if x.request == ref), None):
            return energy.stop_answered(d, s, stop, given.result)
        if printing := next((x for x in s.prints if x.request == ref), None):
            return ending.print_answered(d, s, printing, given.result)
        if abort := next((x for x in s.aborts if x.request == ref), None):
            return money.abort_answered(d, s, abort, given.result)
        break
    if isinstance(given.result, i.Done) and isinstance(given.result.result, i.Approval):
        return money.orphaned(d, ref, given.result.result)
    return energy.orphan_stop_answered(d, ref, given.result)


def _confirmed(d: Decision, given: i.Confirmation) -> None:
    money.confirmed(d, given)
    session = money.session_of(d.k.setup.kiosk, given.reference) if given.operation == "adjust" else None
    if session is not None and (s := d.open(session)) is not None and s.stage in FLOWING:
        limit.foresee_anew(d, s)


def _started(d: Decision, sound: bool) -> None:
    """After a restart an attempt may have been under way for every open request: nobody knows."""
    d.note(f.Started(d.at, sound))
    for s in tuple(d.k.sessions.values()):
        for p in s.payments.values():
            if p.state is PaymentState.REQUESTED:
                d.note(f.PaymentUnknown(d.at, s.id, p.ref, "", "the kiosk was restarted"))
        for printing in s.prints:
            if not printing.result:
                d.note(f.PrintEnded(d.at, s.id, printing.request, "unconfirmed", "the kiosk was restarted"))
    for paper in tuple(d.k.reprints.values()):
        d.note(f.PrintEnded(d.at, paper.session, paper.request, "unconfirmed", "the kiosk was restarted"))


# --- what follows by itself ---------------------------------------------------------------------------------------------------


def _give_up_in_time(d: Decision, s: Session) -> None:
    """The deadlines before energy flows."""
    if s.stage is Stage.PAYING and not s.money_open and s.payment is None:
        last = s.last_payment
        if last and last.changed_at and d.at.reached(last.changed_at.plus(d.policy.pay_s)):
            d.note(f.SessionGivenUp(d.at, s.id, last.fault))
    elif s.stage is Stage.WAITING_FOR_PLUG and s.plug_until and d.at.reached(s.plug_until):
        d.note(f.SessionGivenUp(d.at, s.id, "no_plug"))
    elif s.stage is Stage.START_REQUESTED and s.starts and d.at.reached(s.starts[-1].until):
        energy.start_failed(d, s, "never_started")
    elif s.stage is Stage.START_FAILED and s.retry_until and (d.at.reached(s.retry_until) or not able(d.k, s.connector)):
        d.note(f.SessionGivenUp(d.at, s.id, s.failed_why))


_Rule = Callable[[Decision, Session], None]
_BEFORE = (Stage.PAYING, Stage.WAITING_FOR_PLUG, Stage.START_REQUESTED, Stage.START_FAILED)
_AFTER = (Stage.ENDED, Stage.VACATED)

# In the order in which they are applied, each with the stages in which it can have something to say.
_RULES: tuple[tuple[_Rule, tuple[Stage, ...]], ...] = (
    (money.give_up_unknown, tuple(Stage)),
    (_give_up_in_time, _BEFORE),
    (energy.seek_start, _BEFORE),
    (energy.watch_cover, FLOWING),
    (energy.insist_on_stop, FLOWING),
    (energy.watch_silence, FLOWING),
    (energy.watch_limit, FLOWING),
    (energy.watch_hold, tuple(Stage)),
    (energy.settle_lost, FLOWING),
    (reviews.watch_reviews, tuple(Stage)),
    (ending.price, _AFTER),
    (ending.capture, _AFTER),
    (account.charge, _AFTER),
    (money.release_unwanted, tuple(Stage)),
    (money.watch_deadlines, tuple(Stage)),
    (ending.close, (Stage.GIVEN_UP, Stage.VACATED)),
)
_BY_STAGE = {stage: tuple(rule for rule, stages in _RULES if stage in stages) for stage in Stage}


def _follow(d: Decision) -> None:
    """A rule looks at its own sale, at the kiosk's piles, and at the time: only a sale of which one of these moved needs a round, and one
    to which a round added nothing needs no other."""
    restless = _stirred(d)
    while restless:
        restless = tuple(session for session in restless if _apply_rules(d, session))


def _stirred(d: Decision) -> tuple[SessionId, ...]:
    if any(isinstance(fact, KioskFact) for fact in d.facts):
        return tuple(d.k.sessions)
    told = {fact.session for fact in d.facts if isinstance(fact, SessionFact)}
    return tuple(id_ for id_, s in d.k.sessions.items() if id_ in told or any(map(d.at.reached, deadlines_of(d.k, s))))


def _apply_rules(d: Decision, session: SessionId) -> bool:
    """Whether they added anything."""
    before = len(d.facts)
    for rule in _BY_STAGE[d.k.sessions[session].stage]:
        s = d.k.sessions.get(session)
        if s is None:
            break
        rule(d, s)
    return session in d.k.sessions and len(d.facts) > before
