"""The simulated pile keeps the manners, and on request the bad manners, of the controllers of the field."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from hardware.simulated.models.car import Car
from hardware.simulated.models.pile import PileModel, Refusal
from hardware.simulated.models.pile_connector import BACK_MWH, JUMP_MWH, ConnectorSpec, Fault
from hardware.simulated.models.pile_outbox import Call

T0 = 1_795_000_000_000
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


class Kiosk:
    """The other end of the wire, in memory: answers everything and remembers what it heard."""

    def __init__(self, pile: PileModel) -> None:
        self.pile = pile
        self.now = T0
        self.heard: list[Call] = []
        self.transactions = itertools.count(501)
        self.deaf = False

    def connect(self) -> None:
        self.pile.online(self.now)
        self.listen()

    def listen(self) -> None:
        while (call := self.pile.poll(self.now)) is not None:
            self.heard.append(call)
            if self.deaf:
                return
            self.pile.answered(call.id, self.answer(call), self.now)

    def answer(self, call: Call) -> dict[str, Any]:
        match call.action:
            case "BootNotification":
                return {"status": "Accepted", "currentTime": "2026-11-18T11:06:40Z", "interval": 300}
            case "StartTransaction":
                return {"transactionId": next(self.transactions), "idTagInfo": {"status": "Accepted"}}
            case "Authorize":
                return {"idTagInfo": {"status": "Accepted"}}
        return {}

    def after(self, ms: int) -> None:
        """Time passes, and everything due on the way is heard when it is due."""
        end = self.now + ms
        while (due := self.pile.due_ms()) is not None and due <= end:
            self.now = due
            self.listen()
        self.now = end
        self.listen()

    def ask(self, action: str, **payload: Any) -> Any:
        answer = self.pile.asked(action, payload, self.now)
        self.listen()
        return answer

    def of(self, action: str) -> list[dict[str, Any]]:
        return [call.payload for call in self.heard if call.action == action]

    def statuses(self, number: int = 1) -> list[str]:
        return [p["status"] for p in self.of("StatusNotification") if p["connectorId"] == number]

    def plug(self, number: int = 1, car: Car | None = None) -> None:
        self.pile.plug(number, car or Car(), self.now)
        self.listen()

    def unplug(self, number: int = 1) -> None:
        self.pile.unplug(number, self.now)
        self.listen()

    def start(self, number: int = 1, tag: str = "TAG1") -> str:
        return self.ask("RemoteStartTransaction", idTag=tag, connectorId=number)["status"]


def built(*specs: ConnectorSpec, **options: Any) -> PileModel:
    counter = itertools.count(1)
    return PileModel("P1", specs or (ConnectorSpec(), ConnectorSpec()), ids=lambda: f"id{next(counter)}", now_ms=T0, **options)


@pytest.fixture
def kiosk() -> Kiosk:
    """Of a pile that was set up for paid charging."""
    kiosk = Kiosk(built())
    kiosk.connect()
    kiosk.pile.settings.values |= {
        "AuthorizeRemoteTxRequests": "false",
        "MeterValueSampleInterval": "5",
        "StopTxnSampledData": "Energy.Active.Import.Register",
    }
    return kiosk


def test_a_pile_boots_and_reports_its_connectors(kiosk):
    assert [c.action for c in kiosk.heard] == ["BootNotification", *["StatusNotification"] * 3]
    assert kiosk.statuses() == ["Available"]


def test_before_its_boot_is_accepted_it_says_nothing_else():
    pile = built()
    pile.online(T0)
    boot = pile.poll(T0)
    pile.plug(1, Car(), T0)
    pile.answered(boot.id, {"status": "Pending", "interval": 60}, T0)
    assert pile.poll(T0 + 59 * SECOND) is None
    assert pile.poll(T0 + 60 * SECOND).action == "BootNotification"


def test_a_charge_from_plug_to_departure(kiosk):
    kiosk.plug()
    assert kiosk.start() == "Accepted"
    kiosk.after(60 * SECOND)
    assert kiosk.ask("RemoteStopTransaction", transactionId=501)["status"] == "Accepted"
    kiosk.unplug()
    assert kiosk.statuses() == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    (start,), (stop,) = kiosk.of("StartTransaction"), kiosk.of("StopTransaction")
    assert start == {"connectorId": 1, "idTag": "TAG1", "meterStart": 0, "timestamp": "2026-11-18T11:06:40.000Z"}
    assert (stop["transactionId"], stop["reason"], stop["meterStop"]) == (501, "Remote", 833)
    begin, end = (entry["sampledValue"][0] for entry in stop["transactionData"])
    assert (begin["value"], begin["context"]) == ("0.000", "Transaction.Begin")
    assert (end["value"], end["context"]) == ("833.333", "Transaction.End")
    assert len(kiosk.of("MeterValues")) == 12
    (delivery,) = kiosk.pile.book
    assert (delivery.mwh, delivery.transaction, delivery.reason) == (833_333, 501, "Remote")


def test_energy_is_the_same_however_often_one_looks():
    often, seldom = Kiosk(built()), Kiosk(built())
    for kiosk in (often, seldom):
        kiosk.connect()
        kiosk.pile.settings.values["AuthorizeRemoteTxRequests"] = "false"
        kiosk.plug(car=Car(soc_percent=42))
        kiosk.start()
    for step in range(0, HOUR, 7_777):
        often.pile.advance(T0 + step)
    often.pile.advance(T0 + HOUR)
    seldom.pile.advance(T0 + HOUR)
    assert often.pile.book == seldom.pile.book
    assert often.pile.book[0].mwh > 30_000_000


def test_a_start_waits_for_the_plug_and_expires(kiosk):
    assert kiosk.start() == "Accepted"
    kiosk.after(59 * SECOND)
    assert kiosk.statuses()[-1] == "Preparing"
    kiosk.after(1 * SECOND)
    assert kiosk.statuses()[-1] == "Available"
    kiosk.plug()
    assert kiosk.of("StartTransaction") == []


def test_a_start_before_the_plug_charges_once_it_is_in(kiosk):
    kiosk.start()
    kiosk.after(10 * SECOND)
    kiosk.plug()
    assert kiosk.of("StartTransaction")[0]["idTag"] == "TAG1"


def test_a_pile_that_asks_first_authorizes_and_then_starts(kiosk):
    kiosk.pile.settings.values["AuthorizeRemoteTxRequests"] = "true"
    kiosk.plug()
    kiosk.start()
    assert kiosk.of("Authorize") == [{"idTag": "TAG1"}]
    assert len(kiosk.of("StartTransaction")) == 1


def test_a_full_car_suspends_and_the_transaction_goes_on(kiosk):
    kiosk.plug(car=Car(soc_percent=99))
    kiosk.start()
    kiosk.after(HOUR)
    assert kiosk.statuses()[-1] == "SuspendedEV"
    assert kiosk.of("StopTransaction") == []
    assert kiosk.pile.book[0].mwh == 640_000


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda k: k.unplug(), "EVDisconnected"),
        (lambda k: k.pile.stop_locally(1, k.now), "Local"),
        (lambda k: k.pile.emergency_stop(1, k.now), "EmergencyStop"),
        (lambda k: k.ask("RemoteStopTransaction", transactionId=501), "Remote"),
        (lambda k: k.ask("Reset", type="Soft"), "SoftReset"),
    ],
)
def test_every_way_to_stop_has_its_reason(kiosk, act, reason):
    kiosk.plug()
    kiosk.start()
    kiosk.after(MINUTE)
    act(kiosk)
    kiosk.pile.offline(kiosk.now)
    kiosk.after(10 * SECOND)
    kiosk.connect()
    assert [stop["reason"] for stop in kiosk.of("StopTransaction")] == [reason]


@pytest.mark.parametrize(("cut", "reason"), [(PileModel.power_cut, "PowerLoss"), (PileModel.reboot, "Reboot")])
def test_after_power_or_firmware_return_the_boot_comes_first_and_then_the_stop(kiosk, cut, reason):
    kiosk.plug()
    kiosk.start()
    kiosk.after(MINUTE)
    cut(kiosk.pile, kiosk.now)
    assert not kiosk.pile.wants_connection
    kiosk.after(MINUTE)
    kiosk.pile.power_back(kiosk.now)
    kiosk.after(MINUTE)
    kiosk.heard.clear()
    kiosk.connect()
    assert kiosk.heard[0].action == "BootNotification"
    (stop,) = kiosk.of("StopTransaction")
    assert (stop["reason"], stop["transactionId"]) == (reason, 501)
    assert kiosk.pile.book[0].mwh == 833_333


def test_what_happened_offline_is_said_afterwards_in_order_without_a_boot(kiosk):
    kiosk.plug()
    kiosk.start()
    kiosk.after(4 * SECOND)
    kiosk.pile.offline(kiosk.now)
    kiosk.heard.clear()
    kiosk.after(2 * SECOND)
    kiosk.unplug()
    kiosk.after(MINUTE)
    assert kiosk.heard == []
    kiosk.connect()
    assert [c.action for c in kiosk.heard if c.action != "StatusNotification"] == ["MeterValues", "StopTransaction"]
    assert kiosk.of("StopTransaction")[0]["timestamp"] == "2026-11-18T11:06:46.000Z"


def test_a_start_that_was_not_answered_goes_out_again_under_a_new_id(kiosk):
    kiosk.plug()
    kiosk.deaf = True
    kiosk.start()
    kiosk.pile.offline(kiosk.now)
    kiosk.deaf = False
    kiosk.connect()
    first, second = (call for call in kiosk.heard if call.action == "StartTransaction")
    assert first.id != second.id
    assert first.payload == second.payload


def test_an_answer_lost_on_its_way_makes_it_ask_again(kiosk):
    kiosk.pile.fault(Fault.LOSE_NEXT_ANSWER)
    kiosk.plug()
    kiosk.start()
    kiosk.after(31 * SECOND)
    assert len(kiosk.of("StatusNotification")) > 2
    kiosk.pile.fault(Fault.LOSE_NEXT_ANSWER)
    kiosk.unplug()
    kiosk.after(31 * SECOND)
    assert [stop["transactionId"] for stop in kiosk.of("StopTransaction")] == [501, 501]


def test_a_refused_transaction_message_is_tried_three_times_and_then_discarded(kiosk):
    kiosk.plug()
    kiosk.start()
    kiosk.pile.unplug(1, kiosk.now)
    tries = []
    for _ in range(60):
        call = kiosk.pile.poll(kiosk.now)
        if call is not None and call.action == "StopTransaction":
            tries.append(kiosk.now)
            kiosk.pile.refused(call.id, "InternalError", kiosk.now)
        elif call is not None:
            kiosk.pile.answered(call.id, {}, kiosk.now)
        kiosk.now += SECOND
    assert len(tries) == 3
    assert kiosk.pile.state(kiosk.now)["queued"] == 0


def test_a_limit_is_kept_and_ends_when_it_says(kiosk):
    kiosk.plug()
    kiosk.start()
    schedule = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7_200}, {"startPeriod": 600, "limit": 0}],
    }
    profile = {"chargingProfileId": 1, "transactionId": 501, "chargingSchedule": schedule}
    assert kiosk.ask("SetChargingProfile", connectorId=1, csChargingProfiles=profile)["status"] == "Accepted"
    kiosk.after(HOUR)
    assert kiosk.statuses()[-1] == "SuspendedEVSE"
    assert kiosk.pile.book[0].mwh == 1_200_000


def test_faults_of_the_start(kiosk):
    kiosk.plug()
    kiosk.pile.fault(Fault.REFUSE_START)
    assert kiosk.start() == "Rejected"
    kiosk.pile.fault(Fault.ACCEPT_NEVER_START)
    assert kiosk.start() == "Accepted"
    kiosk.after(2 * MINUTE)
    assert kiosk.of("StartTransaction") == []
    assert kiosk.start() == "Accepted"
    assert len(kiosk.of("StartTransaction")) == 1


def test_a_forgotten_start_makes_a_stop_of_transaction_minus_one(kiosk):
    kiosk.pile.fault(Fault.LOSE_START)
    kiosk.plug()
    kiosk.start()
    kiosk.after(MINUTE)
    kiosk.unplug()
    assert kiosk.of("StartTransaction") == []
    assert kiosk.of("StopTransaction")[0]["transactionId"] == -1
    assert kiosk.of("StopTransaction")[0]["idTag"] == "TAG1"


def test_no_energy_flows_when_the_pile_cannot_deliver(kiosk):
    kiosk.pile.fault(Fault.NO_ENERGY)
    kiosk.plug()
    kiosk.start()
    kiosk.after(MINUTE)
    kiosk.unplug()
    assert kiosk.of("StopTransaction")[0]["meterStop"] == 0
    assert kiosk.pile.book[0].mwh == 0


def test_the_meter_lies_and_the_book_does_not(kiosk):
    shown = {}
    for fault in (Fault.STUCK_METER, Fault.METER_JUMP, Fault.METER_BACKWARDS):
        kiosk.plug()
        kiosk.start()
        begin = kiosk.pile.state(kiosk.now)["connectors"][0]["register_mwh"]
        kiosk.pile.fault(fault)
        kiosk.after(MINUTE)
        kiosk.unplug()
        shown[fault] = kiosk.pile.state(kiosk.now)["connectors"][0]["register_mwh"] - begin
        kiosk.pile.mend()
    assert [d.mwh for d in kiosk.pile.book] == [833_333, 833_333, 833_334]
    assert shown[Fault.STUCK_METER] == 0
    assert shown[Fault.METER_JUMP] == JUMP_MWH + 833_333
    assert shown[Fault.METER_BACKWARDS] == 833_334 - BACK_MWH


def test_late_values_follow_the_stop(kiosk):
    kiosk.pile.fault(Fault.LATE_METER_VALUES)
    kiosk.plug()
    kiosk.start()
    kiosk.after(7 * SECOND)
    kiosk.unplug()
    actions = [c.action for c in kiosk.heard if c.action != "StatusNotification"]
    assert actions[-2:] == ["StopTransaction", "MeterValues"]
    assert kiosk.of("MeterValues")[-1]["transactionId"] == 501


def test_a_stop_may_never_come_or_come_twice(kiosk):
    kiosk.plug()
    kiosk.start()
    kiosk.pile.fault(Fault.NO_STOP)
    kiosk.unplug()
    assert kiosk.of("StopTransaction") == []
    kiosk.plug()
    kiosk.start()
    kiosk.pile.fault(Fault.STOP_TWICE)
    kiosk.unplug()
    first, second = kiosk.of("StopTransaction")
    assert first == second


def test_a_vanished_pile_is_silent_and_works_on(kiosk):
    kiosk.plug()
    kiosk.start()
    kiosk.pile.fault(Fault.VANISH)
    heard = len(kiosk.heard)
    kiosk.after(MINUTE)
    assert kiosk.ask("RemoteStopTransaction", transactionId=501) is None
    assert len(kiosk.heard) == heard
    assert kiosk.pile.book[0].mwh == 833_333
    kiosk.pile.mend()
    kiosk.after(31 * SECOND)
    assert len(kiosk.of("MeterValues")) >= 12


def test_a_reply_that_is_lost_does_not_undo_the_command(kiosk):
    kiosk.plug()
    kiosk.pile.fault(Fault.LOSE_NEXT_REPLY)
    assert kiosk.ask("RemoteStartTransaction", idTag="TAG1", connectorId=1) is None
    assert len(kiosk.of("StartTransaction")) == 1


def test_settings_are_read_changed_and_refused():
    kiosk = Kiosk(built(ConnectorSpec(max_power_w=22_000, dc=False)))
    kiosk.connect()
    assert kiosk.ask("ChangeConfiguration", key="MeterValuesSampledData", value="Energy.Active.Import.Register,SoC") == {
        "status": "Rejected"
    }
    assert kiosk.ask("ChangeConfiguration", key="NumberOfConnectors", value="4") == {"status": "Rejected"}
    assert kiosk.ask("ChangeConfiguration", key="Nonsense", value="4") == {"status": "NotSupported"}
    assert kiosk.ask("ChangeConfiguration", key="ConnectionTimeOut", value="120") == {"status": "Accepted"}
    assert kiosk.ask("GetConfiguration", key=["ConnectionTimeOut", "Nonsense"]) == {
        "configurationKey": [{"key": "ConnectionTimeOut", "readonly": False, "value": "120"}],
        "unknownKey": ["Nonsense"],
    }
    assert kiosk.ask("Nonsense") == Refusal("NotImplemented", "Nonsense is not known here")


def test_alternating_current_is_limited_by_the_cars_own_charger():
    kiosk = Kiosk(built(ConnectorSpec(max_power_w=22_000, dc=False)))
    kiosk.connect()
    kiosk.pile.settings.values["AuthorizeRemoteTxRequests"] = "false"
    kiosk.plug(car=Car(ac_w=11_000))
    kiosk.start()
    kiosk.after(HOUR)
    assert kiosk.pile.book[0].mwh == 11_000_000


def test_a_pile_that_starts_twice_begins_again_under_the_same_tag(kiosk):
    kiosk.pile.fault(Fault.START_TWICE)
    kiosk.plug()
    kiosk.start()
    kiosk.after(MINUTE)
    first, second = kiosk.of("StartTransaction")
    assert first["idTag"] == second["idTag"] == "TAG1"
    assert [stop["reason"] for stop in kiosk.of("StopTransaction")] == ["Other"]
    assert [d.transaction for d in kiosk.pile.book] == [501, 502]
    assert kiosk.ask("RemoteStopTransaction", transactionId=502)["status"] == "Accepted"


def test_a_pile_may_keep_what_it_began_by_itself(kiosk):
    kiosk.pile.fault(Fault.START_TWICE)
    kiosk.pile.fault(Fault.KEEPS_OWN)
    kiosk.plug()
    kiosk.start()
    kiosk.after(MINUTE)
    assert kiosk.ask("RemoteStopTransaction", transactionId=502)["status"] == "Rejected"
    kiosk.unplug()
    assert kiosk.of("StopTransaction")[-1]["transactionId"] == 502


def test_a_pile_that_needs_the_cable_first_rejects_a_start_without_it(kiosk):
    kiosk.pile.fault(Fault.NEEDS_CABLE)
    assert kiosk.start() == "Rejected"
    kiosk.plug()
    assert kiosk.start() == "Accepted"


def test_a_stop_may_tell_no_register(kiosk):
    kiosk.plug()
    kiosk.start()
    kiosk.after(MINUTE)
    kiosk.pile.fault(Fault.NO_REGISTER)
    kiosk.unplug()
    (stop,) = kiosk.of("StopTransaction")
    assert not stop.keys() & {"meterStop", "transactionData"}
    assert kiosk.pile.book[0].mwh == 833_333


def test_one_car_may_follow_another_while_nobody_listens(kiosk):
    kiosk.plug()
    kiosk.start()
    kiosk.after(MINUTE)
    kiosk.pile.stop_locally(1, kiosk.now)
    kiosk.pile.offline(kiosk.now)
    kiosk.pile.swap(1, Car(), kiosk.now)
    kiosk.heard.clear()
    kiosk.connect()
    assert kiosk.statuses() == ["Preparing"]
    assert kiosk.pile.book[0].end_ms is not None


def test_a_pile_may_say_after_its_boot_what_was_answered_before(kiosk):
    kiosk.plug()
    kiosk.start()
    kiosk.unplug()
    before = [(c.action, c.payload) for c in kiosk.heard if c.action.endswith("Transaction")]
    kiosk.pile.fault(Fault.REPLAY)
    kiosk.pile.reboot(kiosk.now)
    kiosk.after(MINUTE)
    kiosk.heard.clear()
    kiosk.connect()
    again = [(c.action, c.payload) for c in kiosk.heard if c.action.endswith("Transaction")]
    assert again == before
    assert kiosk.pile.book[0].transaction == 501
    assert kiosk.pile.state(kiosk.now)["queued"] == 0
