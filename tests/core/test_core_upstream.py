"""The operator's own system is told every charge, in order, once: whatever it, the network and the power do."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from pathlib import Path

import pytest
from upstream_bed import IDENTITY, A, B, Line, line, until

from kiosk.journal.entry import Entry
from kiosk.ocpp.upstream import Standing
from kiosk.ocpp.upstream_teller import Terms, backoff_s
from kiosk.session import facts as f
from kiosk.session.inputs import ConnectorStatus
from kiosk.values import SessionId


async def test_a_charge_is_told_as_it_happens(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        begin = one.register
        session = await one.begins()
        await until(lambda: one.csms.transactions, "the begin")
        await one.noted(session)
        await until(lambda: one.csms.transactions[0].values, "a value")
        await one.noted(session)
        await one.ends(session, begin)
        await one.told(1)
        one.books_agree(1)
        said = [action for action in one.csms.actions if action != "StatusNotification"]
        assert said == ["BootNotification", "StartTransaction", "MeterValues", "MeterValues", "StopTransaction"]
        assert one.csms.actions.count("StatusNotification") == 3
        assert one.csms.repeats == []
        standing = await one.standing()
        assert (standing.state, standing.waiting, standing.error, standing.asides, standing.remarks) == ("accepted", 0, "", (), ())


async def test_two_charges_at_once_do_not_mix(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        begin = one.register
        first, second = await one.begins(A), await one.begins(B)
        for session in (first, second):
            await one.noted(session)
        await one.ends(second, begin)
        await one.ends(first, begin)
        await one.told(2)
        assert one.csms.broken == []
        assert [(t.connector, len(t.values)) for t in one.csms.transactions] == [(1, 1), (2, 1)]
        assert one.csms.transactions[0].wh > one.csms.transactions[1].wh


async def test_days_away_are_caught_up_in_order(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        await one.charge()
        await one.told(1)
        await one.server.away()
        for _ in range(20):
            await one.charge(values=3)
        standing = await until_away(one)
        assert (standing.waiting, standing.state) == (100, "away")
        assert standing.oldest_ms is not None
        assert standing.error
        await one.server.back()
        assert one.station is not None
        await one.station.again()  # somebody does not want to wait for the next attempt
        await one.told(21)
        one.csms.transactions.pop(0)
        one.books_agree(20, values=3)
        assert one.csms.repeats == []


async def until_away(one: Line) -> Standing:
    async with asyncio.timeout(8):
        while (standing := await one.standing()).state != "away" or not standing.error:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    return standing


async def test_it_comes_back_by_itself(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        for n in range(1, 4):
            one.server.drop()
            await one.charge()
            await one.told(n)
        one.books_agree(3)
        assert one.server.connections >= 3


@pytest.mark.parametrize("action", ["StartTransaction", "MeterValues", "StopTransaction"])
async def test_a_message_whose_answer_is_lost_is_sent_again_as_it_was(tmp_path: Path, action: str) -> None:
    async with line(tmp_path) as one:
        one.csms.lost[action] = 2
        await one.charge()
        await one.told(1)
        one.books_agree(1)
        assert Counter(one.csms.repeats) == {action: 2}
        assert (await one.standing()).asides == ()


async def test_an_answer_lost_with_the_connection_is_asked_for_once_more(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        one.csms.lost["StartTransaction"] = 1
        await one.charge()
        await until(lambda: one.csms.transactions, "the begin")
        one.server.drop()
        await one.told(1)
        one.books_agree(1)
        assert one.csms.repeats == ["StartTransaction"]


async def test_a_slow_system_is_waited_for(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        one.csms.slow_s = 25
        await one.charge()
        await one.told(1)
        one.books_agree(1)
        assert one.csms.repeats == []


async def test_one_that_answers_after_our_patience_is_believed_all_the_same(tmp_path: Path) -> None:
    async with line(tmp_path, answer_timeout_s=20) as one:
        await until(lambda: one.csms.status, "the first status")
        await one.calm()
        one.csms.slow_s = 26
        await one.charge(values=0)
        await one.told(1)
        one.books_agree(1, values=0)


@pytest.mark.parametrize(("name", "verdict"), [(0, "Invalid"), (-1, "Invalid"), (7001, "Blocked"), (7001, "ConcurrentTx"), (0, "Accepted")])
async def test_whatever_it_thinks_of_the_charge_it_is_told_to_its_end_and_the_operator_hears_of_it(
    tmp_path: Path, name: int, verdict: str
) -> None:
    async with line(tmp_path) as one:
        one.csms.verdict = verdict
        one.csms.names = lambda: name
        session = await one.charge()
        await one.told(1)
        one.books_agree(1)
        assert {p["transactionId"] for a, p in one.csms.said if a in ("MeterValues", "StopTransaction")} == {name}
        (remark,) = (await one.standing()).remarks
        assert remark.charge == session
        assert (verdict == "Accepted") or verdict in remark.words
        assert (name > 0) or f"transactionId {name}" in remark.words
        assert one.stopped == []


async def test_a_begin_that_is_refused_for_ever_is_set_aside_with_its_charge_and_holds_up_nothing(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=3, retry_s=10) as one:
        one.csms.refusals["StartTransaction"] = 3
        lost, good = await one.charge(), await one.charge()
        await one.told(1)
        standing = await one.standing()
        (aside,) = standing.asides
        assert (aside.charge, aside.action) == (lost, "StartTransaction")
        assert "InternalError" in aside.why
        assert good != lost
        one.books_agree(1)
        await one.down()
        await one.up()  # it is known after a restart, and not told by itself
        (again,) = (await one.standing()).asides
        assert again == aside
        assert one.station is not None
        await one.station.again()
        await one.told(2)
        assert (await one.standing()).asides == ()
        assert one.csms.broken == []
        assert [len(t.values) for t in one.csms.transactions] == [2, 2]
        assert [t.wh for t in one.csms.transactions] == [2_500, 2_500]
        assert one.csms.repeats == []


async def test_a_charge_that_was_set_aside_and_still_runs_is_told_on(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=1) as one:
        one.csms.refusals["StartTransaction"] = 1
        begin = one.register
        session = await one.begins()
        await one.noted(session)
        await until_aside(one)
        await one.calm()
        assert one.station is not None
        await one.station.again()
        await until(lambda: one.csms.transactions and one.csms.transactions[0].values, "the begin and its value")
        await one.noted(session)
        await one.ends(session, begin)
        await one.told(1)
        one.books_agree(1)
        assert (await one.standing()).asides == ()


async def until_aside(one: Line) -> None:
    assert one.station is not None
    await until(lambda: one.station.queue.asides, "something set aside")


async def test_an_end_that_is_refused_for_ever_is_set_aside_and_told_when_somebody_asks_for_it(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=2, retry_s=1) as one:
        one.csms.refusals["StopTransaction"] = 2
        session = await one.charge()
        await until_aside(one)
        (aside,) = (await one.standing()).asides
        assert (aside.charge, aside.action) == (session, "StopTransaction")
        await one.down()
        await one.up()
        assert one.station is not None
        await one.station.again()
        await one.told(1)
        one.books_agree(1)
        assert (await one.standing()).asides == ()


async def test_what_is_refused_again_when_asked_for_stays_aside(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=1) as one:
        one.csms.refusals["StopTransaction"] = 2
        await one.charge()
        await until_aside(one)
        assert one.station is not None
        await one.station.again()
        await until(lambda: one.csms.refusals["StopTransaction"] == 0, "another refusal")
        await one.charge(connector=B)
        await until(lambda: any(t.meter_stop for t in one.csms.transactions), "the charge behind it")
        assert len((await one.standing()).asides) == 1


async def test_values_that_are_refused_are_left_out_and_do_not_hold_up_the_end(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=2, retry_s=1) as one:
        one.csms.refusals["MeterValues"] = 4  # twice the first, once each of the others
        session = await one.charge(values=3)
        await one.told(1)
        (charge,) = one.csms.transactions
        assert (charge.wh, charge.values, one.csms.refusals["MeterValues"]) == (3_500, [], 0)
        (remark,) = (await one.standing()).remarks
        assert remark.charge == session
        await one.charge()
        await one.told(2)
        assert len(one.csms.transactions[1].values) == 2
        assert one.station is not None
        await one.station.again()  # who asks for more has read it
        assert (await one.standing()).remarks == ()


async def test_a_start_answered_without_a_transaction_is_no_answer(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=2, retry_s=1) as one:
        one.csms.names = lambda: "soon"  # type: ignore[assignment, return-value]
        await one.charge()
        await until_aside(one)
        assert "without a transactionId" in (await one.standing()).asides[0].why


async def test_what_was_set_aside_is_tried_again_by_itself(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=1, aside_again_s=60) as one:
        one.csms.refusals["StartTransaction"] = 3
        await one.charge()
        await until_aside(one)
        await until(lambda: len(one.csms.transactions) == 1, "the third try")
        await one.told(1)
        one.books_agree(1)
        assert (await one.standing()).asides == ()


async def test_what_is_refused_meanwhile_puts_off_nothing_that_was_set_aside_before(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=1, aside_again_s=60) as one:
        one.csms.refusals["StartTransaction"] = 1
        await one.charge()
        await until_aside(one)
        one.csms.refusals["MeterValues"] = 10_000
        other = await one.begins(B)

        async def values() -> None:
            while True:
                await one.noted(other)
                await one.clock.sleep(20)

        noting = asyncio.create_task(values())
        await until(lambda: any(t.meter_stop for t in one.csms.transactions), "the end of the charge that was set aside")
        noting.cancel()
        assert (await one.standing()).asides == ()


async def test_of_much_that_was_set_aside_some_is_tried_at_a_time_and_all_in_turn(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=1, aside_again_s=40) as one:
        one.csms.refusals["StartTransaction"] = 25 + 20 + 20
        for _ in range(25):
            await one.charge(values=0)
        await until(lambda: not one.csms.refusals["StartTransaction"], "every charge refused, and two rounds of them again")
        await one.told(25)
        assert {t.wh for t in one.csms.transactions} == {500}
        assert one.csms.broken == []
        assert (await one.standing()).asides == ()


async def test_a_message_that_is_never_answered_while_others_are_holds_up_nothing(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=3, answer_timeout_s=10) as one:
        one.csms.heartbeat_s = 5
        one.server.drop()
        one.csms.lost["StartTransaction"] = 1_000
        lost = await one.charge()
        await until_aside(one)
        one.csms.lost.clear()
        await one.charge()
        await until(lambda: sum(t.meter_stop is not None for t in one.csms.transactions) == 1, "the charge behind it")
        (aside,) = (await one.standing()).asides
        assert aside.charge == lost
        assert "did not answer StartTransaction" in aside.why
        assert one.station is not None
        await one.station.again()
        await one.told(2)
        assert {t.wh for t in one.csms.transactions} == {2_500}


async def test_a_message_that_ends_the_connection_each_time_holds_up_nothing(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=3, aside_again_s=60) as one:
        one.csms.deadly["StartTransaction"] = 3
        await one.charge()
        await one.charge()
        await one.told(2)  # the first one last: it was set aside, and tried again
        one.books_agree(2)
        assert one.csms.transactions[0].began > one.csms.transactions[1].began
        assert (await one.standing()).asides == ()


async def test_a_system_that_answers_nothing_loses_nothing(tmp_path: Path) -> None:
    async with line(tmp_path, attempts=1, answer_timeout_s=5) as one:
        await until(lambda: one.csms.status, "the first status")
        for action in ("BootNotification", "Heartbeat", "StatusNotification", "StartTransaction"):
            one.csms.lost[action] = 8
        await one.charge()
        await one.told(1)
        one.books_agree(1)
        assert (await one.standing()).asides == ()


# --- the power ----------------------------------------------------------------------------------------------------------------


async def test_a_kiosk_that_ends_again_and_again_while_it_tells_tells_everything_once(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        await one.server.away()
        for _ in range(12):
            await one.charge()
        await one.server.back()
        for _ in range(9):
            seen = len(one.csms.said)
            await one.down()
            await one.up()
            await until(lambda seen=seen: len(one.csms.said) >= seen + 5, "some more messages")
        await one.told(12)
        one.books_agree(12)
        assert len(one.csms.repeats) <= 9  # a message under way when it ended is sent again, as it was


async def test_a_charge_goes_on_over_a_restart_of_the_kiosk(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        begin = one.register
        session = await one.begins()
        await one.noted(session)
        await until(lambda: one.csms.transactions and one.csms.transactions[0].values, "the first value")
        await one.calm()
        await one.down()
        await one.up()
        await one.noted(session)
        await one.ends(session, begin)
        await one.told(1)
        one.books_agree(1)


async def test_what_was_before_the_first_connection_is_not_told(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        begin = one.register
        session = await one.begins()
        await until(lambda: one.csms.transactions, "the begin")
        await one.calm()
        await one.down()
        await one.up(identity="another")  # to the other side this is a station it never saw
        await one.noted(session)
        await one.ends(session, begin)
        await one.down()
        await one.up(identity=IDENTITY)
        await one.told(1)
        assert len(one.csms.transactions) == 1


async def test_nothing_is_written_while_the_disk_is_full(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        await one.charge()
        await one.told(1)
        one.disk_low = True
        before = await one.standing()
        await one.charge()
        await one.charge()
        await one.server.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await until(lambda: "Heartbeat" in one.csms.actions, "a sign of life")
        standing = await one.standing()
        assert (before.waiting, standing.waiting, standing.state) == (0, 8, "accepted")
        one.disk_low = False
        assert one.station is not None
        one.station.look()
        await one.told(3)
        one.books_agree(3)


async def test_an_entry_that_cannot_be_read_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with line(tmp_path) as one:
        assert one.journal is not None
        await one.journal.append([Entry("kiosk-x", "DeliveryStarted", 1, one.clock.now(), b"{}")])
        await one.charge()
        await one.told(1)
        one.books_agree(1)
        assert "is not told" in caplog.text


async def test_energy_that_no_sale_explains_is_told(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        now = one.clock.now()
        await one.happen(f.OrphanTransactionStarted(now, "P1", 2, 99, one.reading(), None))
        await one.happen(f.OrphanTransactionEnded(now, "P1", 99, one.reading(700_000), "Local", None))
        await one.happen(f.OrphanTransactionEnded(now, "P1", 98, one.reading(), "Local", None))  # never heard of
        await one.told(1)
        (charge,) = one.csms.transactions
        assert (charge.connector, charge.wh, charge.reason, one.csms.broken) == (2, 700, "Local", [])


async def test_a_plug_that_left_the_configuration_is_a_remark(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        now, session = one.clock.now(), SessionId("kiosk-gone")
        await one.happen(f.SessionOpened(now, session, type(A)("DE*LND*E1*9")), one.started(session))
        await one.charge()
        await one.told(1)
        (remark,) = (await one.standing()).remarks
        assert remark.charge == session


# --- the other things it says and hears ---------------------------------------------------------------------------------------


async def test_it_waits_until_it_is_accepted(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        await one.server.away()
        await until_away(one)
        one.csms.boots = [("Pending", 30), ("Rejected", 60), ("Pending", 0)]
        one.csms.said.clear()
        await one.charge()
        await one.server.back()
        assert one.station is not None
        await one.station.again()
        await one.told(1)
        one.books_agree(1)
        assert one.csms.actions[:4] == ["BootNotification"] * 4
        assert "BootNotification" not in one.csms.actions[4:]


async def test_how_the_connectors_stand_is_told_when_it_changes_and_only_the_newest(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        await until(lambda: len(one.csms.status) == 3, "the first report")
        assert one.csms.status == {0: "Available", 1: "Unavailable", 2: "Unavailable"}
        await one.server.away()
        assert one.station is not None
        for status in (ConnectorStatus.PREPARING, ConnectorStatus.CHARGING):
            one.stand[A] = (status, "", True)
            one.station.look()
        one.stand[B] = (ConnectorStatus.FAULTED, "GroundFailure", True)
        await one.server.back()
        one.csms.said.clear()
        await one.station.again()
        await until(lambda: one.csms.status[2] == "Faulted", "the newest")
        assert one.csms.status == {0: "Available", 1: "Charging", 2: "Faulted"}
        assert one.csms.actions == ["BootNotification", *["StatusNotification"] * 3]
        one.station.look()
        one.stand[A] = (ConnectorStatus.AVAILABLE, "", True)
        one.station.look()
        await until(lambda: one.csms.status[1] == "Available", "the change")
        assert one.csms.actions.count("StatusNotification") == 4


async def test_it_may_end_a_charge_that_it_knows(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        session = await one.begins()
        await until(lambda: one.csms.transactions, "the begin")
        await one.calm()
        (charge,) = one.csms.transactions
        assert await one.server.call("RemoteStopTransaction", {"transactionId": charge.transaction + 1}) == {"status": "Rejected"}
        assert one.stopped == []
        assert await one.server.call("RemoteStopTransaction", {"transactionId": charge.transaction}) == {"status": "Accepted"}
        assert one.stopped == [session]


async def test_one_name_for_two_charges_ends_neither(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        one.csms.names = lambda: 0
        await one.begins(A)
        await one.begins(B)
        await until(lambda: len(one.csms.transactions) == 2, "both begins")
        await one.calm()
        assert await one.server.call("RemoteStopTransaction", {"transactionId": 0}) == {"status": "Rejected"}
        assert one.stopped == []


async def test_it_asks_for_news_and_for_what_does_not_exist(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        await until(lambda: len(one.csms.status) == 3, "the first report")
        one.csms.said.clear()
        for what in ("Heartbeat", "BootNotification"):
            assert await one.server.call("TriggerMessage", {"requestedMessage": what}) == {"status": "Accepted"}
            await until(lambda what=what: what in one.csms.actions, what)
        ask = {"requestedMessage": "StatusNotification", "connectorId": 2}
        assert await one.server.call("TriggerMessage", ask) == {"status": "Accepted"}
        await until(lambda: "StatusNotification" in one.csms.actions, "the status")
        assert one.csms.said[-1][1]["connectorId"] == 2
        assert await one.server.call("Nonsense", {}) == "NotImplemented"
        assert await one.server.call("RemoteStopTransaction", {}) == "OccurenceConstraintViolation"
        assert await one.server.call("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "30"}) == {"status": "Accepted"}
        one.csms.said.clear()
        await until(lambda: one.csms.actions.count("Heartbeat") >= 2, "the faster heartbeat")


async def test_what_is_asked_for_again_and_again_meanwhile_is_sent_once(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        await until(lambda: len(one.csms.status) == 3, "the first report")
        one.csms.lost["Heartbeat"] = 1
        one.csms.said.clear()
        await one.server.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await until(lambda: "Heartbeat" in one.csms.actions, "the one without an answer")
        asked = (one.server.call("TriggerMessage", {"requestedMessage": "Heartbeat"}) for _ in range(40))
        assert await asyncio.gather(*asked) == [{"status": "Accepted"}] * 40
        await one.server.call("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 2})
        await until(lambda: "StatusNotification" in one.csms.actions, "what was asked for last")
        assert one.csms.actions.count("Heartbeat") < 20


async def test_frames_that_are_no_ocpp_end_nothing(tmp_path: Path) -> None:
    async with line(tmp_path) as one:
        await until(lambda: len(one.csms.status) == 3, "the first report")
        for raw in ("{", "[]", "[9]", '[3,"nobody",{}]', '[2,"x"]', "[2,[],{}]", '[4,"nobody","x","y",{}]', "\x00"):
            await one.server._socket.send(raw)
        await one.charge()
        await one.told(1)
        assert len(one.csms.transactions) == 1
        assert one.server.connections == 1


# --- who it is ----------------------------------------------------------------------------------------------------------------


async def test_a_stranger_with_another_certificate_is_told_nothing(tmp_path: Path) -> None:
    async with line(tmp_path, tls=ssl.create_default_context()) as one:
        await one.charge()
        standing = await until_away(one)
        assert "certificate" in standing.error.lower()
        assert standing.waiting == 4
        assert one.csms.said == []


async def test_a_wrong_password_is_said_and_never_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with line(tmp_path, password="mistyped") as one:
        standing = await until_away(one)
        assert "401" in standing.error
        assert one.csms.said == []
    assert "mistyped" not in caplog.text + repr(standing) + repr(Terms("wss://x", "y", "mistyped"))


def test_attempts_to_connect_become_rare_and_no_two_kiosks_come_back_together() -> None:
    assert [backoff_s(failures, lambda: 1) for failures in (0, 1, 2, 3, 8, 9, 50)] == [2, 2, 4, 8, 256, 300, 300]
    assert [backoff_s(3, lambda chance=chance: chance) for chance in (0, 0.5)] == [4, 6]
