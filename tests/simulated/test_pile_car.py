"""The simulated car takes power as real ones do: less and less."""

from __future__ import annotations

import pytest

from hardware.simulated.models.car import WATT_MS_PER_WH, Car


def charged(car: Car, offered_w: int) -> int:
    """Milliseconds until `car` is full."""
    ms = 0
    while power := car.accepts_w(offered_w, dc=True):
        step = -(-car.room() // power)
        car.take(power * step)
        ms += step
    return ms


def test_power_falls_as_the_battery_fills():
    car = Car(soc_percent=20)
    powers = []
    while not car.full:
        powers.append(car.accepts_w(1_000_000, dc=True))
        car.take(car.room())
    assert powers == sorted(powers, reverse=True)
    assert powers[0] == 150_000


def test_a_battery_never_takes_more_than_it_lacks():
    car = Car(capacity_wh=60_000, soc_percent=90)
    car.take(100_000 * WATT_MS_PER_WH)
    assert car.soc_percent == 100
    assert car.accepts_w(50_000, dc=True) == 0


def test_ten_to_eighty_percent_takes_about_half_an_hour():
    car = Car(soc_percent=10)
    full = charged(car, 150_000)
    car = Car(soc_percent=80)
    assert 18 * 60_000 < full - charged(car, 150_000) < 35 * 60_000


def test_no_car_without_a_battery():
    with pytest.raises(ValueError, match="capacity"):
        Car(capacity_wh=0)
