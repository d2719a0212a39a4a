"""A simulated car: a battery that takes less and less power as it fills.

Integers only and no clock, so that a charge is the same to the last milliwatt-hour however often it is looked at. Energy is counted in
watt-milliseconds, of which 3,600 are one milliwatt-hour.
"""

from __future__ import annotations

WATT_MS_PER_MWH = 3_600
WATT_MS_PER_WH = 3_600_000

# From this state of charge on (percent), the car takes at most this share of its greatest direct current power (percent).
_TAPER = ((0, 70), (8, 100), (45, 90), (55, 75), (65, 60), (75, 45), (80, 32), (90, 18), (96, 8))
_SHARE = [next(share for step, share in reversed(_TAPER) if step <= soc) for soc in range(101)]
_NEXT_STEP = [next((step for step, _ in _TAPER if step > soc), 100) for soc in range(101)]


class Car:
    """A car with a battery of `capacity_wh` (55 to 80 kWh are common), `dc_w` at a fast charger and an on-board charger of `ac_w`."""

    def __init__(self, capacity_wh: int = 64_000, soc_percent: int = 40, dc_w: int = 150_000, ac_w: int = 11_000) -> None:
        if capacity_wh <= 0 or not 0 <= soc_percent <= 100 or dc_w <= 0 or ac_w <= 0:
            raise ValueError("a car needs a capacity, powers above zero, and a state of charge from 0 to 100 %")
        self.capacity_wh = capacity_wh
        self.dc_w = dc_w
        self.ac_w = ac_w
        self._whole = capacity_wh * WATT_MS_PER_WH
        self._stored = self._whole * soc_percent // 100
        self.resting = False  # by a plan of its own, such as the hour of departure, or for its battery's heat

    @property
    def soc_percent(self) -> int:
        return 100 * self._stored // self._whole

    @property
    def full(self) -> bool:
        return self._stored >= self._whole

    @property
    def wants_nothing(self) -> bool:
        return self.full or self.resting

    def accepts_w(self, offered_w: int, dc: bool) -> int:
        """The power drawn when the pile offers `offered_w`."""
        if self.wants_nothing:
            return 0
        most = self.dc_w * _SHARE[self.soc_percent] // 100 if dc else self.ac_w
        return max(0, min(offered_w, most))

    def room(self) -> int:
        """Watt-milliseconds until the car would next draw another power: the next step of its curve, or full."""
        return -(-self._whole * _NEXT_STEP[self.soc_percent] // 100) - self._stored

    def take(self, watt_ms: int) -> None:
        self._stored = min(self._whole, self._stored + watt_ms)

    def fill(self) -> None:
        """Make the battery full at once, for a person at the bench who does not want to wait."""
        self._stored = self._whole
