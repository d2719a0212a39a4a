"""One true-to-life snapshot per page and language, as core would send them: the material of the screen's tests and of the gallery."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from kiosk.protocol import Button, ConnectorKey, Countdown, Fact, Language, Line, PriceRow, Side, Sky, Snapshot, Way

LANGUAGES = ("en", "de")
_NAMES = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "it": "Italiano",
    "nl": "Nederlands",
    "pl": "Polski",
    "tr": "Türkçe",
}
CURVE = tuple(round(1000 * min(118.0, 30.0 * i, 118 - 70 * (1 - math.exp(-i / 22)))) for i in range(1, 64))


class _Text:
    """The English or the German of a pair."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, en: str, de: str) -> str:
        return (en if self.language == "en" else de).replace(" €", "\u00a0€").replace(" kWh", "\u00a0kWh").replace(" %", "\u00a0%")

    def number(self, text: str) -> str:
        return text if self.language == "en" else text.replace(".", ",")


def _base(page: str, t: _Text, title: str, *, tone: str = "paper", clock: str = "14:29", seq: int = 1) -> Snapshot:
    return Snapshot(
        seq=seq,
        visit=1,
        page=page,
        tone=tone,
        language=t.language,
        rtl=False,
        sky=Sky(t("Lindenhof Energy", "Lindenhof Energie"), "DE*LND*E0417", "0800 555 0417", clock),
        title=title,
        utilities=(
            Button("language", _NAMES[t.language], "globe"),
            Button("help", t("Help", "Hilfe"), "help"),
        ),
    )


def _card(t: _Text) -> str:
    return t("Your card •• 4821", "Ihre Karte •• 4821")


def _rows(t: _Text) -> tuple[PriceRow, ...]:
    return (
        PriceRow(
            t("Electricity", "Strom"),
            t.number("0.39"),
            "€/kWh",
            t("Sun price until 16:00, then 0.49 €", "Sonne bis 16:00, danach 0,49 €"),
            first=True,
            glyph="sun",
        ),
        PriceRow(t("Time fee", "Zeitgebühr"), t("none", "keine"), none=True),
        PriceRow(t("Start fee", "Startgebühr"), t("none", "keine"), none=True),
        PriceRow(
            t("After charging", "Nach dem Laden"),
            t.number("0.10"),
            t("€/min", "€/Min."),
            t("first 10 min free, 12.00 € at most", "10 Min. frei, höchstens 12,00 €"),
        ),
    )


def idle(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("idle", t, t("Both plugs are free.", "Beide Stecker sind frei.")),
        subtitle=t("Touch one, plug in, or tap a card.", "Antippen, einstecken, Karte vorhalten."),
        connectors=(
            ConnectorKey("1", "A", "free", t("Free", "Frei"), "ccs", "CCS", t("up to 150 kW", "bis 150 kW"), intent="choose"),
            ConnectorKey(
                "2", "B", "free", t("Free", "Frei"), "type2", t("Type 2", "Typ 2"), t("up to 22 kW", "bis 22 kW"), intent="choose"
            ),
        ),
        price=Fact(t("Sun price until 16:00, then 0.49 €", "Sonne bis 16:00, danach 0,49 €"), t.number("0.39"), "€/kWh", glyph="sun"),
        prices=_rows(t),
        small_print=t("VAT included.", "Inkl. MwSt."),
        rail_note=t(
            "We reserve 50.00 € first. You pay only what you use.", "Wir reservieren zuerst 50,00 €. Sie zahlen nur, was Sie laden."
        ),
        buttons=(Button("receipt", t("My receipt", "Mein Beleg"), "receipt"),),
    )


def idle_busy(language: str) -> Snapshot:
    """One plug charges for somebody, the other does not work; the plugs have prices of their own."""
    t = _Text(language)
    return replace(
        idle(language),
        title=t("Plug A is charging. Plug B does not work.", "Stecker A lädt. Stecker B ist defekt."),
        subtitle="",
        price=None,
        prices=(),
        small_print="",
        connectors=(
            ConnectorKey(
                "1",
                "A",
                "in_use",
                t("In use", "Belegt"),
                "ccs",
                "CCS",
                t("up to 150 kW", "bis 150 kW"),
                price=t("0.49 €/kWh", "0,49 €/kWh"),
                note=t("about 20 min", "noch etwa 20 Min."),
                intent="stop",
            ),
            ConnectorKey(
                "2",
                "B",
                "out",
                t("Not working", "Defekt"),
                "type2",
                t("Type 2", "Typ 2"),
                t("up to 22 kW", "bis 22 kW"),
                note=t("we know", "wir wissen es"),
            ),
        ),
    )


def idle_six(language: str) -> Snapshot:
    t = _Text(language)
    free = t("Free", "Frei")
    return replace(
        idle(language),
        title=t("Four of six plugs are free.", "Vier von sechs Steckern sind frei."),
        connectors=(
            ConnectorKey("1", "A", "free", free, "ccs", "CCS", "150 kW", intent="choose"),
            ConnectorKey("2", "B", "in_use", t("In use", "Belegt"), "ccs", "CCS", "150 kW", note=t("about 20 min", "etwa 20 Min.")),
            ConnectorKey("3", "C", "free", free, "type2", t("Type 2", "Typ 2"), "22 kW", intent="choose"),
            ConnectorKey("4", "D", "free", free, "type2", t("Type 2", "Typ 2"), "22 kW", intent="choose"),
            ConnectorKey(
                "5", "E", "out", t("Not working", "Defekt"), "type2", t("Type 2", "Typ 2"), "22 kW", note=t("we know", "wir wissen es")
            ),
            ConnectorKey("6", "F", "free", free, "chademo", "CHAdeMO", "50 kW", intent="choose"),
        ),
    )


def price(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("price", t, t("Plug A. This is the whole price.", "Stecker A. Das ist der ganze Preis.")),
        badge="A",
        prices=_rows(t),
        small_print=t("VAT included. Never more than 0.49 €.", "Inkl. MwSt. Nie mehr als 0,49 €."),
        card=Side(
            t("On your card", "Auf Ihrer Karte"),
            t.number("50.00"),
            "€",
            t("reserved, not paid", "nur reserviert"),
            line=Line("plain", promise=1000),
            note=t(
                "You pay what you use. We release the rest when you stop.", "Sie zahlen, was Sie laden. Den Rest geben wir beim Stopp frei."
            ),
        ),
        buttons=(
            Button("back", t("Back", "Zurück"), "left"),
            Button("pay", t("Agree and pay", "Zustimmen und zahlen"), "right", "primary"),
        ),
    )


def pay(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("pay", t, t("Hold your card to the reader.", "Karte an das Lesegerät halten."), clock="14:07"),
        badge="A",
        steps=t("The reader is ready.", "Das Lesegerät ist bereit."),
        card=Side(
            t("On your card", "Auf Ihrer Karte"),
            t.number("50.00"),
            "€",
            t("will be reserved", "wird reserviert"),
            line=Line("plain", promise=1000),
            note=t("Charging cards and key tags: same place.", "Ladekarten und Schlüsselanhänger: gleiche Stelle."),
        ),
        countdown=Countdown(t("We wait until 14:08.", "Wir warten bis 14:08."), 52, 60),
        buttons=(
            Button("more_time", t("More time", "Mehr Zeit"), "clock"),
            Button("back", t("Back", "Zurück"), "left"),
        ),
    )


def authorising(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("authorising", t, t("Asking your bank.", "Wir fragen Ihre Bank."), clock="14:08"),
        badge="A",
        steps=t("This takes up to 20 seconds.", "Das dauert bis zu 20 Sekunden."),
        card=Side(
            _card(t),
            t.number("50.00"),
            "€",
            t("asked for", "angefragt"),
            line=Line("plain", promise=1000),
            note=t("You can take your card away now.", "Sie können Ihre Karte jetzt wegnehmen."),
        ),
    )


def plug_in(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("plug_in", t, t("Now put plug A into your car.", "Jetzt Stecker A ins Auto stecken."), clock="14:08"),
        badge="A",
        plug="ccs",
        car=Side(t("Your car", "Ihr Auto"), note=t("Push until it clicks.", "Drücken, bis es klickt.")),
        card=Side(
            _card(t),
            t.number("50.00"),
            "€",
            t("reserved", "reserviert"),
            line=Line("plain", promise=1000),
            note=t("No plug by 14:13? Then we release all of it, at once.", "Kein Stecker bis 14:13? Dann geben wir alles sofort frei."),
        ),
        countdown=Countdown(t("4:32 left, until 14:13.", "Noch 4:32, bis 14:13."), 272, 300),
        stop_code="4719",
        stop_code_label=t("Your stop code", "Ihr Stopp-Code"),
        stop_code_note=t("Or stop with the same card.", "Oder mit derselben Karte stoppen."),
        buttons=(
            Button("more_time", t("I need more time", "Ich brauche mehr Zeit"), "clock"),
            Button("cancel", t("Cancel and release", "Abbrechen und freigeben"), "cross"),
        ),
    )


def starting(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        plug_in(language),
        page="starting",
        title=t("Plug A and your car are talking.", "Stecker A und Ihr Auto sprechen."),
        car=Side(t("Your car", "Ihr Auto"), note=t("About 15 seconds.", "Etwa 15 Sekunden.")),
        card=replace(
            plug_in(language).card or Side(""),
            note=t("You pay from the first kWh, not before.", "Sie zahlen ab der ersten kWh, nicht früher."),
        ),
        countdown=None,
        buttons=(Button("cancel", t("Cancel and release", "Abbrechen und freigeben"), "cross"),),
    )


def charging(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("charging", t, t("Charging. You can walk away.", "Es lädt. Sie können gehen."), tone="mint"),
        badge="A",
        car=Side(
            t("Your car", "Ihr Auto"),
            "74",
            "%",
            line=Line("live", before=380, fact=360, promise=60),
            cap_start=t("+27.41 kWh", "+27,41 kWh"),
            cap_end=t("80 % at about 14:34", "80 % um etwa 14:34"),
        ),
        card=Side(
            t("Your card", "Ihre Karte"),
            t.number("10.69"),
            "€",
            t("so far", "bis jetzt"),
            line=Line("plain", fact=214, promise=786),
            cap_end=t("39.31 € stays yours", "39,31 € bleiben Ihnen"),
        ),
        facts=(
            Fact(t("Power now", "Leistung"), "56", "kW"),
            Fact(t("Time", "Zeit"), "0:21", "h"),
            Fact(t("Price now", "Preis"), t.number("0.39"), "€/kWh"),
        ),
        curve=CURVE,
        curve_from="14:08",
        curve_to="14:29",
        rail_note=t("Ends at 80 %, or when you unplug.", "Endet bei 80 % oder beim Abstecken."),
        buttons=(Button("stop", t("Stop charging", "Laden stoppen"), "stop", "stop", t("with your card or code", "mit Karte oder Code")),),
    )


def charging_ac(language: str) -> Snapshot:
    """A car that does not tell how full it is, a reading that has grown old, and a fee to come."""
    t = _Text(language)
    return replace(
        charging(language),
        title=t("Charging. You can walk away.", "Es lädt. Sie können gehen."),
        badge="B",
        car=Side(
            t("Your car", "Ihr Auto"),
            t.number("27.41"),
            "kWh",
            since=t("from 14:27", "von 14:27"),
            line=Line("live", fact=214, promise=786),
            cap_start="0\u00a0kWh",
            cap_end=t("100 kWh is the most", "höchstens 100 kWh"),
        ),
        curve=(),
        curve_from="",
        curve_to="",
        rail_note="",
        toast=t("The pile is slow to answer. Charging goes on.", "Die Säule antwortet langsam. Es lädt weiter."),
    )


def stop(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("stop", t, t("Stop plug A? Show that it is yours.", "Stecker A stoppen? Bitte ausweisen."), tone="mint", clock="14:31"),
        badge="A",
        ways=(
            Way(
                "card",
                t("Hold your card", "Karte vorhalten"),
                t("to the reader, the one you paid with", "am Lesegerät, die vom Bezahlen"),
            ),
            Way(
                "lock",
                t("Or your code", "Oder Ihr Code"),
                t("the 4 digits you saw at the start", "die 4 Ziffern vom Anfang"),
                intent="code",
            ),
            Way(
                "car",
                t("Or unplug", "Oder abstecken"),
                t("unlock your car and pull the plug", "Auto entriegeln, Stecker ziehen"),
            ),
        ),
        buttons=(Button("back", t("Keep charging", "Weiter laden"), "left"),),
    )


def stop_proven(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("stop", t, t("This is your charge. Stop it now?", "Das ist Ihre Ladung. Jetzt stoppen?"), tone="mint", clock="14:31"),
        badge="A",
        car=replace(charging(language).car or Side(""), value="75", cap_start=t("+28.02 kWh", "+28,02 kWh"), cap_end=""),
        card=Side(
            _card(t),
            t.number("10.93"),
            "€",
            t("to pay", "zu zahlen"),
            line=Line("plain", fact=219, promise=781),
            cap_end=t("39.07 € released at stop", "39,07 € werden frei"),
        ),
        now=t("Then unplug and hang the cable up.", "Danach abstecken und das Kabel aufhängen."),
        buttons=(
            Button("back", t("Keep charging", "Weiter laden"), "left"),
            Button("stop_now", t("Hold to stop", "Zum Stoppen halten"), "stop", "hold"),
        ),
    )


def code(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("code", t, t("Your stop code", "Ihr Stopp-Code"), tone="mint", clock="14:31"),
        badge="A",
        what=t("The 4 digits you saw when you started.", "Die 4 Ziffern, die Sie am Anfang sahen."),
        now=t("3 tries left.", "Noch 3 Versuche."),
        code_typed=2,
        code_length=4,
        utilities=(),
        buttons=(
            Button("erase", t("Delete", "Löschen"), "erase"),
            Button("back", t("Back", "Zurück"), "left"),
        ),
    )


def finished(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("finished", t, t("Done. Unplug and drive safely.", "Fertig. Abstecken und gute Fahrt."), tone="mint", clock="14:34"),
        car=Side(
            t("Your car", "Ihr Auto"),
            t.number("31.20"),
            "kWh",
            line=Line("plain", before=380, fact=420),
            cap_start="38\u00a0%",
            cap_end="80\u00a0%",
        ),
        card=Side(
            t("Your card", "Ihre Karte"),
            t.number("12.17"),
            "€",
            t("paid", "bezahlt"),
            line=Line("settled", fact=243, promise=757),
            cap_end=t("37.83 € released", "37,83 € frei"),
        ),
        sum_line=t("31.20 kWh × 0.39 € = 12.17 €, VAT 1.94 € included.", "31,20 kWh × 0,39 € = 12,17 €, inkl. 1,94 € MwSt."),
        small_print=t("Banks take 1 to 3 days to show the released money.", "Banken zeigen das freie Geld nach 1 bis 3 Tagen."),
        countdown=Countdown(
            t("Staying is free until 14:44, then 0.10 € a minute.", "Parken ist bis 14:44 frei, dann 0,10 € je Minute."), 582, 600
        ),
        receipt_qr="https://pay.lindenhof.example/r/7F3A9C2E61B04D",
        receipt_label=t("Your receipt", "Ihr Beleg"),
        receipt_note=t("Scan it with your phone", "Mit dem Handy scannen"),
        buttons=(
            Button("print", t("Print", "Drucken"), "print"),
            Button("finish", t("Finish", "Fertig"), "check", "primary"),
        ),
    )


def trouble_declined(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("trouble", t, t("Your bank said no to this card.", "Ihre Bank lehnt diese Karte ab."), tone="apricot", clock="14:09"),
        glyph="warning",
        what=t("Banks do not tell us why. Plug A still waits for you.", "Warum, sagen Banken uns nicht. Stecker A wartet noch auf Sie."),
        now=t("Try another card, or call us.", "Versuchen Sie eine andere Karte, oder rufen Sie an."),
        card=Side(
            _card(t),
            t.number("0.00"),
            "€",
            t("taken", "abgebucht"),
            line=Line("none"),
            note=t("Nothing paid. Nothing reserved.", "Nichts bezahlt. Nichts reserviert."),
        ),
        call=t("If you call us, say code P21 and E0417.", "Am Telefon: Code P21 und E0417."),
        buttons=(
            Button("back", t("Back", "Zurück"), "left"),
            Button("pay", t("Another card", "Andere Karte"), "card", "primary"),
        ),
    )


def trouble_unknown(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        trouble_declined(language),
        title=t("We are asking your bank.", "Wir fragen Ihre Bank."),
        what=t(
            "Its answer got lost. We ask again every few seconds, and we never charge twice.",
            "Ihre Antwort ging verloren. Wir fragen alle paar Sekunden nach und buchen nie doppelt.",
        ),
        now=t("Please do not pay again yet.", "Bitte noch nicht erneut zahlen."),
        card=Side(
            _card(t),
            t.number("50.00"),
            "€",
            t("perhaps", "vielleicht"),
            line=Line("unknown"),
            note=t("If it was reserved, we release it by 14:24.", "War es reserviert, geben wir es bis 14:24 frei."),
        ),
        call=t("If you call us, say code P40 and E0417.", "Am Telefon: Code P40 und E0417."),
        buttons=(Button("call_back", t("Call me back", "Rückruf bitte"), "call"),),
    )


def out_of_order(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("out_of_order", t, t("You cannot start a charge here now.", "Hier können Sie gerade nicht laden."), tone="apricot"),
        glyph="closed",
        subtitle=t("We are restarting. This takes about 2 minutes.", "Wir starten neu. Das dauert etwa 2 Minuten."),
        what=t(
            "Charging now? It goes on, and unplugging ends it. You pay only what was delivered.",
            "Sie laden gerade? Es lädt weiter, Abstecken beendet es. Sie zahlen nur das Geladene.",
        ),
        now=t("Nearest free plug: Lindenhof east, 300 m, E0418.", "Nächster freier Stecker: Lindenhof Ost, 300 m, E0418."),
        call=t("Call free, day and night, and say E0417.", "Anruf kostenlos, Tag und Nacht. Sagen Sie E0417."),
        buttons=(),
    )


def help_page(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        _base("help", t, t("What do you want to know?", "Was möchten Sie wissen?")),
        ways=(
            Way("price", t("The price", "Der Preis"), t("What does it cost?", "Was kostet es?"), intent="help_price"),
            Way("start", t("Starting", "Starten"), t("How do I begin?", "Wie fange ich an?"), intent="help_start"),
            Way("stop", t("Stopping", "Stoppen"), t("How do I end it?", "Wie höre ich auf?"), intent="help_stop"),
            Way("receipt", t("The receipt", "Der Beleg"), t("Where is mine?", "Wo ist meiner?"), intent="help_receipt"),
        ),
        call=t("Call free, day and night, and say E0417.", "Anruf kostenlos, Tag und Nacht. Sagen Sie E0417."),
        buttons=(Button("back", t("Back", "Zurück"), "left"),),
    )


def help_answer(language: str) -> Snapshot:
    t = _Text(language)
    return replace(
        help_page(language),
        title=t("You pay only what you use.", "Sie zahlen nur, was Sie laden."),
        ways=(),
        what=t(
            "First we reserve 50.00 € on your card. When you stop, we take the price of what was delivered and release the rest.",
            "Zuerst reservieren wir 50,00 € auf Ihrer Karte. Beim Stopp buchen wir den Preis des Geladenen ab und geben den Rest frei.",
        ),
        now=t("0.39 € a kWh, no start fee, VAT included.", "0,39 € je kWh, keine Startgebühr, inkl. MwSt."),
    )


def language_page(language: str) -> Snapshot:
    t = _Text(language)
    names = {**_NAMES, "pt": "Português", "ar": "العربية"}
    return replace(
        _base("language", t, "Language · Sprache · Langue"),
        languages=tuple(Language(code, name, code == language) for code, name in names.items()),
        utilities=(),
        buttons=(Button("back", t("Back", "Zurück"), "left"),),
    )


PAGES: dict[str, Callable[[str], Snapshot]] = {
    "idle": idle,
    "idle-busy": idle_busy,
    "idle-six": idle_six,
    "price": price,
    "pay": pay,
    "authorising": authorising,
    "plug_in": plug_in,
    "starting": starting,
    "charging": charging,
    "charging-ac": charging_ac,
    "stop": stop,
    "stop-proven": stop_proven,
    "code": code,
    "finished": finished,
    "trouble": trouble_declined,
    "trouble-unknown": trouble_unknown,
    "out_of_order": out_of_order,
    "help": help_page,
    "help-answer": help_answer,
    "language": language_page,
}
SIZES = ((800, 480), (1280, 800), (1080, 1920))


def every() -> list[tuple[str, str, Snapshot]]:
    """(name, language, snapshot) of every sample."""
    return [(name, code, make(code)) for name, make in PAGES.items() for code in LANGUAGES]
