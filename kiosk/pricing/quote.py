"""What the driver accepted, frozen: the price can never rise after this."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.values import Money


@dataclass(frozen=True, slots=True)
class Quote:
    """`tariff_json` is the tariff's canonical text and `tariff_hash` its SHA-256 (hex); `texts` are the sentences shown, in `language`.

    `hold` is what is reserved at first. With `step`, it grows by that much while the charge goes on, up to `most`. `discounts_json` is the
    canonical text of what is taken off after rating (`kiosk.pricing.rules`), `discounts_hash` its SHA-256; both are empty for nothing.
    """

    tariff_id: str
    tariff_json: str
    tariff_hash: str
    zone: str  # IANA time zone of the site; local-time rules of the tariff are evaluated in it
    hold: Money
    language: str
    texts: tuple[str, ...]
    step: Money | None = None
    most: Money | None = None
    discounts_json: str = ""
    discounts_hash: str = ""

    def __hash__(self) -> int:
        """Of what tells one from another: tariffs and plans are looked up by their quote again and again while a car charges."""
        return hash((self.tariff_hash, self.discounts_hash, self.hold.minor))
