"""What registers prove, and what they do not."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.metering.judge import judge, plausible
from kiosk.metering.reading import Limits, Reading, Verdict

KWH = 1_000_000
T0 = 1_780_000_000_000
MINUTE = 60_000
LIMITS = Limits(max_power_w=150_000)


def at(minute: int, kwh: float) -> Reading:
    return Reading(T0 + minute * MINUTE, round(kwh * KWH))


def test_register_difference_is_what_was_delivered() -> None:
    delivered = judge([at(5, 5_010)], LIMITS, begin=at(0, 5_000), end=at(20, 5_031.2), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (31_200_000, Verdict.VALID, ())


def test_register_that_ends_below_its_begin_goes_to_review_with_nothing_billed() -> None:
    delivered = judge([], LIMITS, begin=at(0, 500), end=at(20, 499), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (0, Verdict.REVIEW, ("backwards",))


def test_register_that_falls_at_the_end_keeps_the_last_sound_value() -> None:
    delivered = judge([at(5, 510)], LIMITS, begin=at(0, 500), end=at(20, 505), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (10 * KWH, Verdict.REVIEW, ("backwards",))


def test_an_end_in_whole_watt_hours_is_not_behind_the_finer_values_before_it() -> None:
    last = Reading(T0 + 5 * MINUTE, 510 * KWH + 546)
    delivered = judge([last], LIMITS, begin=at(0, 500), end=at(20, 510), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (10 * KWH, Verdict.VALID, ())
    a_watt_hour_less = judge([last], LIMITS, begin=at(0, 500), end=at(20, 509.999), ended_at=T0 + 20 * MINUTE)
    assert a_watt_hour_less.reasons == ("backwards",)


def test_leap_beyond_power_times_time_goes_to_review_with_the_proven_part() -> None:
    delivered = judge([at(5, 510)], LIMITS, begin=at(0, 500), end=at(6, 15_500_000), ended_at=T0 + 6 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (10 * KWH, Verdict.REVIEW, ("leap",))


def test_a_faulty_value_in_between_is_refuted_by_a_sound_end() -> None:
    delivered = judge([at(5, 9_000), at(6, 1)], LIMITS, begin=at(0, 500), end=at(20, 520), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (20 * KWH, Verdict.VALID, ())


def test_register_rolls_over_at_its_size() -> None:
    size = 2**32 // 1_000  # of a register of 32 bits in Wh, in kWh
    delivered = judge([at(2, size - 2)], LIMITS, begin=at(0, size - 5), end=at(20, 6), ended_at=T0 + 20 * MINUTE)
    assert delivered.reasons == ("rollover",)
    assert delivered.verdict is Verdict.VALID
    assert 11 * KWH <= delivered.mwh < 12 * KWH


def test_wrapped_or_counted_from_the_start_with_nothing_to_tell_is_for_a_person() -> None:
    delivered = judge([], LIMITS, begin=at(0, 99_995), end=at(20, 6), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (6 * KWH, Verdict.REVIEW, ("ambiguous",))


def test_meter_values_of_the_session_against_a_lifetime_register_are_told_apart() -> None:
    delivered = judge([at(5, 8), at(10, 16)], LIMITS, begin=at(0, 54_000), end=at(20, 54_030), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (30 * KWH, Verdict.VALID, ("mixed_registers",))


def test_session_register_at_the_end_of_a_lifetime_begin_is_moved_onto_it() -> None:
    delivered = judge([], LIMITS, begin=at(0, 54_000), end=at(20, 30), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (30 * KWH, Verdict.VALID, ("mixed_registers",))


def test_register_reset_in_the_middle_of_a_charge_is_not_billed_without_a_person() -> None:
    delivered = judge([at(5, 54_010), at(6, 0.2)], LIMITS, begin=at(0, 54_000), end=at(20, 11), ended_at=T0 + 20 * MINUTE)
    assert delivered.verdict is Verdict.REVIEW


def test_lifetime_register_after_a_session_begin_is_a_leap() -> None:
    delivered = judge([at(5, 10)], LIMITS, begin=at(0, 0), end=at(20, 54_030), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (10 * KWH, Verdict.REVIEW, ("leap",))


def test_without_an_end_only_the_last_value_is_proven_and_a_person_decides() -> None:
    delivered = judge([at(5, 510)], LIMITS, begin=at(0, 500), end=None, ended_at=T0 + 7 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (10 * KWH, Verdict.REVIEW, ("no_end",))


def test_an_old_last_value_is_stale() -> None:
    delivered = judge([at(5, 510)], LIMITS, begin=at(0, 500), end=None, ended_at=T0 + 60 * MINUTE)
    assert delivered.reasons == ("no_end", "stale")


def test_nothing_but_a_begin_proves_nothing() -> None:
    delivered = judge([], LIMITS, begin=at(0, 500), end=None, ended_at=T0 + 7 * MINUTE)
    assert (delivered.mwh, delivered.verdict) == (0, Verdict.UNVERIFIABLE)


def test_without_a_begin_nothing_is_billed() -> None:
    delivered = judge([at(5, 510)], LIMITS, begin=None, end=at(20, 530), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (0, Verdict.UNVERIFIABLE, ("no_begin",))


def test_values_out_of_order_are_put_in_order() -> None:
    delivered = judge([at(10, 515), at(5, 510)], LIMITS, begin=at(0, 500), end=at(20, 530), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (30 * KWH, Verdict.VALID, ())


def test_an_end_stamped_before_the_begin_gets_our_time() -> None:
    delivered = judge([], LIMITS, begin=at(0, 500), end=Reading(0, 530 * KWH), ended_at=T0 + 20 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (30 * KWH, Verdict.VALID, ("clock",))
    assert delivered.end is not None
    assert delivered.end.utc_ms == T0 + 20 * MINUTE


def test_an_end_that_was_sent_hours_later_keeps_its_own_time() -> None:
    delivered = judge([], LIMITS, begin=at(0, 500), end=at(20, 530), ended_at=T0 + 600 * MINUTE)
    assert (delivered.mwh, delivered.verdict, delivered.reasons) == (30 * KWH, Verdict.VALID, ())


def test_a_begin_from_before_the_pile_knew_the_time_goes_to_review() -> None:
    delivered = judge([], LIMITS, begin=Reading(0, 500 * KWH), end=at(20, 530), ended_at=T0 + 20 * MINUTE)
    assert (delivered.verdict, delivered.reasons) == (Verdict.REVIEW, ("too_long",))


def test_one_live_step_is_judged_by_power_and_time() -> None:
    assert plausible(at(0, 500), at(1, 502.5), LIMITS)
    assert not plausible(at(0, 500), at(1, 520), LIMITS)
    assert not plausible(at(0, 500), at(1, 499), LIMITS)


_readings = st.builds(Reading, st.integers(0, 2 * T0), st.integers(0, 10**13))


@settings(max_examples=300, deadline=None)
@given(st.lists(_readings, max_size=8), st.none() | _readings, st.none() | _readings, st.integers(0, 2 * T0))
def test_delivered_energy_is_never_negative_and_matches_its_ends(
    readings: list[Reading], begin: Reading | None, end: Reading | None, ended_at: int
) -> None:
    delivered = judge(readings, LIMITS, begin=begin, end=end, ended_at=ended_at)
    assert delivered.mwh >= 0
    if delivered.verdict is Verdict.UNVERIFIABLE:
        assert delivered.mwh == 0
    elif delivered.begin and delivered.end:
        assert delivered.mwh == delivered.end.mwh - delivered.begin.mwh
