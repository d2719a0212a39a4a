"""The simulated acquirer books as a real one does, tells no more than a real one does, and does the same for the same seed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.simulated.models.acquirer import DAY_MS, FAULTS, Acquirer, Authorized, Payment, Response
from hardware.simulated.models.acquirer_webhooks import signature
from kiosk.values import Money

ACCOUNT = "PilePayDE"
CAPTURE_KEY, REFUND_KEY = "capture", "refund"
HMAC_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
PSP, PAY = "AUTH000000000001", "K1-S1-PAY"
T0 = 1_795_000_000_000
VECTOR = json.loads((Path(__file__).parents[1] / "vectors/webhooks/adyen_webhook_hmac.json").read_text())


class World:
    """A model with one payment of 50.00, and what a merchant's software can do with it."""

    def __init__(self, seed: int = 1, **terms: Any) -> None:
        self.model = Acquirer(
            random.Random(seed), merchant_account=ACCOUNT, capture_key=CAPTURE_KEY, refund_key=REFUND_KEY, hmac_key=HMAC_KEY, **terms
        )
        self.model.subscribe(["kiosk"])
        self.model.authorized(Authorized(ACCOUNT, PAY, PSP, Money(5000, "EUR"), T0))
        self.now = T0

    def post(self, path: str, key: str = "k1", api_key: str = CAPTURE_KEY, method: str = "POST", **body: Any) -> Response:
        content = json.dumps({"merchantAccount": ACCOUNT, "reference": "K1-MOD"} | body).encode()
        return self.model.handle(method, f"/v72{path}", {"Idempotency-Key": key, "X-API-Key": api_key}, content, self.now)

    def capture(self, minor: int = 1234, key: str = "k1", **more: Any) -> Response:
        return self.post(f"/payments/{PSP}/captures", key, amount={"value": minor, "currency": "EUR"}, **more)

    def cancel(self, key: str = "k2") -> Response:
        return self.post(f"/payments/{PSP}/cancels", key)

    def technical_cancel(self, reference: str = PAY, key: str = "k3") -> Response:
        return self.post("/cancels", key, paymentReference=reference)

    def adjust(self, minor: int, key: str = "k4") -> Response:
        return self.post(f"/payments/{PSP}/amountUpdates", key, amount={"value": minor, "currency": "EUR"})

    def refund(self, minor: int, key: str = "k5", api_key: str = REFUND_KEY) -> Response:
        return self.post(f"/payments/{PSP}/refunds", key, api_key, amount={"value": minor, "currency": "EUR"})

    @property
    def payment(self) -> Payment:
        found = self.model.books().payment(PAY)
        assert found
        return found

    def news(self, until_ms: int = 60_000) -> list[dict[str, Any]]:
        """Everything that reaches an endpoint which accepts at once."""
        items = []
        while (due_ms := self.model.next_due()) is not None and due_ms <= self.now + until_ms:
            for webhook in self.model.due(due_ms):
                self.model.accepted(webhook)
                items += [i["NotificationRequestItem"] for i in json.loads(webhook.body)["notificationItems"]]
        return items


def answer(response: Response) -> tuple[int, Any]:
    return response.status, json.loads(response.body)


def said(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(i["eventCode"], i["success"]) for i in items]


# --- the books ----------------------------------------------------------------------------------------------------------------------


def test_an_answer_says_received_and_nothing_of_the_outcome() -> None:
    good, bad = World(), World()

    (good_status, good_body), (bad_status, bad_body) = answer(good.capture(1234)), answer(bad.capture(999_999))

    assert good_status == bad_status == 201
    assert good_body["status"] == bad_body["status"] == "received"
    assert good_body.keys() == bad_body.keys()
    assert good_body["paymentPspReference"] == PSP
    assert good_body["pspReference"] not in {PSP, ""}


def test_a_partial_capture_frees_the_rest_and_is_the_last() -> None:
    w = World()
    w.capture(1234)
    w.capture(100, key="another")

    assert w.payment.captured == Money(1234, "EUR")
    assert not w.payment.held
    assert said(w.news()) in ([("CAPTURE", "true"), ("CAPTURE", "false")], [("CAPTURE", "false"), ("CAPTURE", "true")])


def test_more_than_reserved_is_denied_by_webhook() -> None:
    w = World()
    w.capture(5001)

    (item,) = w.news()
    assert (item["eventCode"], item["success"], item["reason"]) == ("CAPTURE", "false", "Insufficient balance on payment")
    assert w.payment.held == Money(5000, "EUR")


def test_a_cancelled_payment_cannot_be_captured_nor_a_captured_one_cancelled() -> None:
    cancelled, captured = World(), World()
    cancelled.cancel()
    cancelled.capture()
    captured.capture()
    captured.cancel()

    assert cancelled.payment.cancelled
    assert not cancelled.payment.captured
    assert captured.payment.captured
    assert not captured.payment.cancelled


def test_an_authorization_expires() -> None:
    w = World()
    w.now += 28 * DAY_MS + 1
    w.capture()

    assert w.news()[0]["reason"] == "Authorisation has expired"


def test_a_cancel_by_reference_works_for_a_day() -> None:
    early, late = World(), World()
    early.technical_cancel()
    late.now += DAY_MS + 1
    late.technical_cancel()

    assert early.payment.cancelled
    assert not late.payment.cancelled
    assert said(late.news()) == [("TECHNICAL_CANCEL", "false")]


def test_a_cancel_by_reference_names_the_payment_in_its_webhook() -> None:
    w = World()
    w.technical_cancel()

    (item,) = w.news()
    assert (item["merchantReference"], item["originalReference"]) == (PAY, PSP)


def test_a_cancel_of_what_was_never_authorized_is_received_and_denied() -> None:
    w = World()

    assert w.technical_cancel("K1-S9-PAY").status == 201
    assert said(w.news()) == [("TECHNICAL_CANCEL", "false")]
    assert len(w.model.books().strays) == 1


def test_an_adjustment_sets_the_total() -> None:
    w = World()
    w.adjust(8000)
    w.capture(7900)

    assert w.payment.captured == Money(7900, "EUR")


def test_no_more_is_refunded_than_was_captured() -> None:
    w = World()
    w.refund(1, key="too early")
    w.capture(1234)
    w.refund(1000)
    w.refund(1000, key="again")

    assert w.payment.refunded == Money(1000, "EUR")


def test_a_reversal_cancels_or_refunds() -> None:
    held, captured = World(), World()
    captured.capture()
    for w in (held, captured):
        assert w.post(f"/payments/{PSP}/reversals", "k9", REFUND_KEY).status == 201

    assert held.payment.cancelled
    assert captured.payment.refunded == Money(1234, "EUR")


Step = st.tuples(
    st.sampled_from(["capture", "cancel", "technical_cancel", "adjust", "refund"]),
    st.integers(1, 9_000),
    st.sampled_from(["k1", "k2", "k3"]),
    st.sampled_from([None, *FAULTS]),
)


@given(st.lists(Step, max_size=25))
def test_whatever_is_asked_in_whatever_order_the_books_balance(steps: list[tuple[str, int, str, str | None]]) -> None:
    w = World()
    for kind, minor, key, fault in steps:
        if fault:
            w.model.fault(fault)
        w.now += 60_000
        amount = {"minor": minor} if kind in {"capture", "adjust", "refund"} else {}
        getattr(w, kind)(key=key, **amount)

    p = w.payment
    assert len(p.captures) <= 1
    assert p.captured <= p.authorized
    assert p.refunded <= p.captured
    assert not (p.cancelled and p.captured)
    assert len({m.key for m in p.modifications} | {m.key for m in w.model.books().strays}) <= 3


# --- idempotency --------------------------------------------------------------------------------------------------------------------


def test_the_same_key_and_body_give_the_first_answer_again() -> None:
    w = World()

    assert w.capture().body == w.capture().body
    assert len(w.payment.modifications) == 1


def test_the_same_key_with_another_body_or_path_is_refused() -> None:
    w = World()
    w.capture(1234)

    assert w.capture(1235).status == 422
    assert w.post(f"/payments/{PSP}/cancels", "k1").status == 422
    assert len(w.payment.modifications) == 1


def test_a_duplicate_of_one_in_flight_is_told_so_until_the_answer_is_out() -> None:
    w = World(slow_ms=5_000)
    w.model.fault("slow")

    assert w.capture().after_ms == 5_000
    w.now += 4_999
    assert answer(w.capture())[1]["errorCode"] == "704"
    w.now += 1
    assert w.capture().status == 201
    assert len(w.payment.modifications) == 1


def test_a_key_is_forgotten_after_a_week() -> None:
    w = World()
    first = w.capture().body
    w.now += 7 * DAY_MS
    assert w.capture().body == first
    w.now += 1

    assert w.capture().body != first
    assert len(w.payment.modifications) == 2
    assert len(w.payment.captures) == 1


def test_a_refusal_is_not_kept_under_the_key() -> None:
    w = World()
    w.model.fault("error_500")

    assert w.capture().status == 500
    assert w.capture().status == 201


# --- who may ask what ---------------------------------------------------------------------------------------------------------------


def test_the_capture_key_cannot_refund() -> None:
    w = World()
    w.capture()

    assert w.refund(100, api_key=CAPTURE_KEY).status == 403
    assert not w.payment.refunded


def test_a_stranger_is_not_served() -> None:
    w = World()

    assert w.post(f"/payments/{PSP}/cancels", api_key="guess").status == 401
    assert w.post(f"/payments/{PSP}/cancels", merchantAccount="SomebodyElse").status == 403
    assert not w.payment.modifications


@pytest.mark.parametrize("path", [f"/payments/{PSP}", "/payments", f"/payments/{PSP}/captures/1", "/storedPaymentMethods"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_question_about_a_payment_is_answered(path: str, method: str) -> None:
    assert World().post(path, method=method).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {"amount": {"value": 0, "currency": "EUR"}},
        {"amount": {"value": 12.5, "currency": "EUR"}},
        {"amount": {"value": "1", "currency": "EUR"}},
        {"amount": {"value": True, "currency": "EUR"}},
        {"amount": {"value": 1, "currency": "eur"}},
        {"amount": 5},
        {},
        {"amount": {"value": 1, "currency": "EUR"}, "surprise": 1},
        {"amount": {"value": 1, "currency": "EUR"}, "reference": "r" * 81},
    ],
)
def test_a_malformed_capture_is_refused_at_once(body: dict[str, Any]) -> None:
    w = World()

    assert w.post(f"/payments/{PSP}/captures", **body).status in {400, 422}
    assert not w.payment.modifications


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 50_000, b" " * 100_000])
def test_what_is_not_json_is_refused(content: bytes) -> None:
    headers = {"x-api-key": CAPTURE_KEY}

    assert World().model.handle("POST", f"/v72/payments/{PSP}/captures", headers, content, T0).status == 400


def test_a_payment_is_authorized_once() -> None:
    with pytest.raises(ValueError, match="before"):
        World().model.authorized(Authorized(ACCOUNT, PAY, PSP, Money(1, "EUR"), T0))


# --- faults -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "done"),
    [
        ("drop_request", 0, False),
        ("drop_answer", 0, True),
        ("error_500", 500, False),
        ("error_500_after", 500, True),
        ("unavailable_703", 503, False),
        ("transient", 422, False),
        ("rate_limit", 429, False),
        ("html_201", 201, True),
        ("empty_201", 201, True),
        ("slow", 201, True),
        ("refuse_captures", 422, False),
    ],
)
def test_a_fault_strikes_once_and_leaves_the_books_as_it_says(fault: str, status: int, done: bool) -> None:
    w = World(slow_ms=0)
    w.model.fault(fault)

    assert w.capture().status == status
    assert bool(w.payment.captured) is done
    assert w.capture().status == 201
    assert len(w.payment.captures) == 1


def test_a_lasting_fault_lasts_until_it_is_cleared() -> None:
    w = World()
    w.model.fault("error_500", None)

    assert {w.capture().status for _ in range(5)} == {500}
    w.model.clear_faults()
    assert w.capture().status == 201


def test_an_unknown_fault_is_no_fault() -> None:
    with pytest.raises(ValueError, match="meteor"):
        World().model.fault("meteor")


def test_the_issuer_may_refuse_an_adjustment() -> None:
    w = World()
    w.model.fault("adjust_rejected")
    w.adjust(8000)

    assert said(w.news()) == [("AUTHORISATION_ADJUSTMENT", "false")]
    assert w.payment.authorized == Money(5000, "EUR")


def test_a_capture_can_be_taken_back_later() -> None:
    w = World()
    w.model.fault("capture_fails_later")
    w.capture()

    assert said(w.news()) == [("CAPTURE", "true"), ("CAPTURE_FAILED", "true")]
    assert not w.payment.captured
    assert w.payment.modifications[0].result == "failed_later"


# --- webhooks -----------------------------------------------------------------------------------------------------------------------


def test_a_webhook_is_signed_as_adyen_signs() -> None:
    psp, original, account, reference, value, currency, event, success = VECTOR["signing_string"].split(":")
    item = {
        "pspReference": psp,
        "originalReference": original,
        "merchantAccountCode": account,
        "merchantReference": reference,
        "amount": {"value": int(value), "currency": currency},
        "eventCode": event,
        "success": success,
    }

    assert signature(item, bytes.fromhex(VECTOR["hmac_key_hex"])) == VECTOR["hmac_sha256_base64"]


def test_nothing_is_sent_before_its_time() -> None:
    w = World(webhook_delay_ms=(500, 900))
    w.capture()

    assert not w.model.due(T0 + 499)
    assert w.model.due(T0 + 900)


def test_what_is_not_accepted_is_sent_again_and_holds_up_what_is_behind() -> None:
    w = World(webhook_delay_ms=(100, 100))
    w.capture()
    w.now += 1
    w.capture(100, key="another")
    now, gaps, numbers = T0 + 200, [], set()
    for _ in range(6):
        (webhook,) = w.model.due(now)
        assert not w.model.due(now)
        numbers.add(webhook.number)
        w.model.unanswered(webhook, now)
        due_ms = w.model.next_due()
        assert due_ms
        gaps.append((due_ms - now) // 1_000)
        now = due_ms

    assert gaps == [9, 18, 27, 120, 300, 600]
    assert len(numbers) == 1
    (webhook,) = w.model.due(now)
    w.model.accepted(webhook)
    assert [x.number for x in w.model.due(now)] == [webhook.number + 1]


def test_after_a_month_it_gives_up() -> None:
    w = World()
    w.capture()
    attempts = 0
    while (due_ms := w.model.next_due()) is not None:
        for webhook in w.model.due(due_ms):
            attempts += 1
            w.model.unanswered(webhook, due_ms)

    assert 90 < attempts < 110


def test_every_endpoint_hears_everything_in_a_queue_of_its_own() -> None:
    w = World()
    w.model.subscribe(["one", "two"])
    w.capture()
    later = T0 + 60_000

    first, second = w.model.due(later)
    w.model.unanswered(first, later)
    w.model.accepted(second)

    assert [x.endpoint for x in w.model.due(later + 9_000)] == ["one"]


@pytest.mark.parametrize(("fault", "times"), [("lose_webhook", 0), ("duplicate_webhook", 2), ("late_webhook", 0), ("reorder_webhook", 1)])
def test_a_webhook_can_be_lost_or_come_twice_or_late(fault: str, times: int) -> None:
    w = World()
    w.model.fault(fault)
    w.capture()

    assert len(w.news()) == times


def test_a_late_webhook_comes_the_day_after() -> None:
    w = World()
    w.model.fault("late_webhook")
    w.capture()

    assert len(w.news(until_ms=2 * DAY_MS)) == 1


def test_a_reordered_webhook_comes_after_the_one_behind_it() -> None:
    w = World()
    w.model.fault("reorder_webhook")
    first = answer(w.adjust(8000))[1]["pspReference"]
    second = answer(w.capture())[1]["pspReference"]

    assert [i["pspReference"] for i in w.news()] == [second, first]


def test_the_same_seed_is_the_same_world() -> None:
    def run(seed: int) -> tuple[Any, ...]:
        w = World(seed)
        return w.capture().body, w.refund(100).body, w.news(), w.model.books()

    assert run(7) == run(7)
    assert run(7) != run(8)
