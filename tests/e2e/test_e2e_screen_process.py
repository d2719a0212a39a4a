"""The real screen process, drawing without a display, killed at any moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stand import Stand, stand, until

from kiosk.core.desk import SCREEN_FRESH_S
from kiosk.session import facts as f
from kiosk.simulation.relay import Person


def pictures(shots: Path, page: str = "*") -> list[Path]:
    """What the screen drew of this page."""
    return list(shots.glob(f"*-{page}-en.png"))


async def drawn(shots: Path, page: str) -> None:
    await until(lambda: pictures(shots, page), f"a picture of {page}")


async def kill(site: Stand, person: Person, shots: Path, page: str) -> None:
    """kill -9 of the screen; another one comes and draws the same page."""
    screen = site.house.screen
    before = screen.pid
    for picture in pictures(shots):
        picture.unlink()
    person.snapshot = None
    await screen.kill()
    await until(lambda: screen.pid not in (None, before), "another screen")
    await person.page(page)
    await drawn(shots, page)


async def test_killed_screen_comes_back_to_the_same_page(folder: Path):
    async with stand(folder) as site:
        await site.driver.leave()
        shots, glass = folder / "shots", folder / "glass"
        person = Person(glass, site.house.socket)
        await person.start()
        try:
            site.house.start_screen(["--offscreen", "--size", "800x480", "--shots", str(shots)], glass)
            await person.page("idle")
            await drawn(shots, "idle")
            await person.press("choose", letter="A")
            await person.page("price")
            await kill(site, person, shots, "price")
            await person.press("accept")
            await site.tap()
            await person.page("plug_in")
            code = person.snapshot.stop_code
            await kill(site, person, shots, "plug_in")
            assert person.snapshot.stop_code == code
            site.pile.plug(1)
            await person.page("charging")
            await site.energy()
            before = site.delivery.mwh
            await kill(site, person, shots, "charging")
            assert site.delivery.mwh > before  # nobody needed the screen for it
            site.pile.stop_locally(1)
            await person.page("finished")
            site.pile.unplug(1)
            await site.captured()
            assert site.reviews == []
        finally:
            await person.stop()


async def test_no_card_is_asked_for_while_the_screen_is_away(folder: Path):
    async with stand(folder) as site:
        await site.driver.press("choose", letter="A")
        await site.driver.page("price")
        site.driver.freeze()  # a touch still arrives
        await asyncio.sleep(SCREEN_FRESH_S + 0.5)
        await site.driver.send("accept")
        await site.noted(f.PreauthorizationNotSent)
        assert not site.terminal.present_card("good")
        assert site.payments == []
