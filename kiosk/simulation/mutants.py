"""Kiosks with a deliberate bug, to see that the checker bites: the honest kiosk with one part wrapped. No product module knows them."""

from __future__ import annotations

from collections.abc import Mapping

from kiosk.simulation.life import Fitting
from kiosk.simulation.mutant_field import (
    AcceptAStrangersStop,
    AnyCardIsTheRightOne,
    BillTheRegister,
    GiftWithoutReason,
    IgnoreAPause,
    IgnoreTheEnd,
    IgnoreTheLimit,
    PauseUntilTold,
    PrintAgain,
)
from kiosk.simulation.mutant_journal import (
    AcknowledgeBeforeCommit,
    NumbersReused,
    SkipIntent,
    SynchronousNormal,
    TrustTheWallClock,
    WriteErrorsIgnored,
)
from kiosk.simulation.mutant_money import (
    AdjustBelievedWhenSubmitted,
    CaptureTheHold,
    ChargeAnAccountTwice,
    DecideForTheOperator,
    DeclineAfterUnknown,
    ForgetACancel,
    GiveUpOnError,
    GoodNewsOnly,
    LateApprovalDeclined,
    NewKeyOnRetry,
    OfflineApprovalCapturedAtOnce,
    PartialApprovalIgnored,
    RefundForgotten,
    RefundTwice,
    RetryAfterUnknown,
    RoundUp,
    SwallowATimeout,
)
from kiosk.simulation.mutant_upstream import (
    UpstreamAcknowledgesBeforeAnswer,
    UpstreamForgetsTheLane,
    UpstreamNewIdOnRetry,
)

MUTANTS: Mapping[str, type[Fitting]] = {
    "new-key-on-retry": NewKeyOnRetry,
    "skip-intent": SkipIntent,
    "capture-the-hold": CaptureTheHold,
    "retry-after-unknown": RetryAfterUnknown,
    "decline-after-unknown": DeclineAfterUnknown,
    "forget-a-cancel": ForgetACancel,
    "acknowledge-before-commit": AcknowledgeBeforeCommit,
    "swallow-a-timeout": SwallowATimeout,
    "give-up-on-error": GiveUpOnError,
    "accept-a-strangers-stop": AcceptAStrangersStop,
    "round-up": RoundUp,
    "bill-the-register": BillTheRegister,
    "ignore-the-end": IgnoreTheEnd,
    "print-again": PrintAgain,
    "synchronous-normal": SynchronousNormal,
    "write-errors-ignored": WriteErrorsIgnored,
    "numbers-reused": NumbersReused,
    "trust-the-wall-clock": TrustTheWallClock,
    "adjust-believed-when-submitted": AdjustBelievedWhenSubmitted,
    "ignore-the-limit": IgnoreTheLimit,
    "ignore-a-pause": IgnoreAPause,
    "pause-until-told": PauseUntilTold,
    "late-approval-declined": LateApprovalDeclined,
    "partial-approval-ignored": PartialApprovalIgnored,
    "offline-approval-captured-at-once": OfflineApprovalCapturedAtOnce,
    "gift-without-reason": GiftWithoutReason,
    "decide-for-the-operator": DecideForTheOperator,
    "good-news-only": GoodNewsOnly,
    "refund-twice": RefundTwice,
    "refund-forgotten": RefundForgotten,
    "any-card-is-the-right-one": AnyCardIsTheRightOne,
    "charge-an-account-twice": ChargeAnAccountTwice,
    "upstream-acknowledges-before-answer": UpstreamAcknowledgesBeforeAnswer,
    "upstream-forgets-the-lane": UpstreamForgetsTheLane,
    "upstream-new-id-on-retry": UpstreamNewIdOnRetry,
}
