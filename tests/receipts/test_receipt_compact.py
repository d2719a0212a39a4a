"""The receipt in a QR code comes back whole, or not at all."""

import hashlib
import re
from dataclasses import astuple, replace

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from kiosk.pricing.discounts import DiscountLine, Funder
from kiosk.receipts.compact import FULL_TAG, NOTE_TAG, TAG, compact, expand
from kiosk.receipts.document import credit_note, document
from kiosk.receipts.receipt import Place, ReceiptError, Seller, Verification
from kiosk.values import Money


@pytest.fixture
def receipt(sale, seller, place):
    return document(sale(held=1300, shortfall=100), seller, place, copy=1, checkpoint="17 8Yk3 qL0v Zt1c")


def test_a_receipt_comes_back_whole(receipt) -> None:
    assert expand(compact(receipt)) == receipt


def test_every_kind_of_line_comes_back(sale, seller, place) -> None:
    for facts in (sale(), sale(charge=100), sale(tax_included="NO", trusted=False)):
        receipt = document(facts, seller, place)
        assert expand(compact(receipt)) == receipt


def test_a_receipt_with_discounts_and_signed_meter_data_comes_back(sale, discounted, place) -> None:
    seller = Seller("Lindenhof Energie", (), "DE1", "0800", "E-", ("Complaints: 0800 1",))
    receipt = document(sale(lines=discounted), seller, replace(place, serial="SN-1"), verification=Verification("OCMF", "7F3A", "9C"))
    text = compact(receipt)
    assert text.startswith(FULL_TAG)
    assert expand(text) == receipt


def test_a_credit_note_comes_back_whole(sale, refund, seller, place) -> None:
    facts = [*sale(), *refund(1, 100), *refund(2, 300, "")]
    note = credit_note(facts, seller, replace(place, serial="SN-1"), copy=2, checkpoint="17 8Yk3")
    text = compact(note)
    assert text.startswith(NOTE_TAG)
    assert segno.make(text, error="l", micro=False).mode == "alphanumeric"
    assert expand(text) == note


def test_the_code_stays_small_and_alphanumeric(receipt) -> None:
    text = compact(receipt)
    assert re.fullmatch(r"[A-Z2-7]+", text.removeprefix(TAG))
    code = segno.make(text, error="l", micro=False)
    assert code.mode == "alphanumeric"
    assert code.version <= 14


def test_a_receipt_too_long_for_a_code_is_refused(sale, seller) -> None:
    endless = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(40))
    with pytest.raises(ReceiptError, match="1800"):
        compact(document(sale(), seller, Place("P", (endless,), "E", "A")))


def test_the_text_of_version_1_is_read_for_ever() -> None:
    text = (
        "PILEPAY1FRMCXHEFKLNU4ARRCD6ZLBSHAKTDHXLW3JDWKAJDXAASLSBF7NIHPO3AGR4ACTHU5NW6XARETL4DJ3OMTFZTUZ52ARVPDP4ZX5CZPDPBYOTHJG7V"
        "OPC3UG7XWZ5ARUE7LQJCJ7JAYTVL5XFXUROUBEKIIXNAJUJQX2KJE6NXFDYINWEOYAN3WW637X3OLSPOHZ66L5GKUDCUACVFLDTPMXWLV3OIDPBZZTJGMZDJ"
        "IKYNHJ3L2IAY33ZSGG5ZEN4LB2HONE7EOJ5JDKXL334W2HGVJAQVC27BVVXQCGUMKHLFD4PPRCFHWGOQ5AMSCQQFMBONP4MQT7NH5LD2O6C2SNYABCKP74S7"
        "ASKDVY54IZEZ462QMQFVPZAY4QUSIZP5C3ZJXAWAKR7Z6BAT6SAYIAJO775UXIPPH5R5VI7A4G4DPHUMHJRX2ON3DX2AOOSILRGPSK7HA7J6FG732PHNLTDE"
        "TDFGYIKGESRUA2J73LN6OJ734YAZUSSQ3IKELJPB32KBNFNVUWRIECUXKTUCILZULEKL5JBK4OEAZ5ZWBMEU4YMZNAK52I5G46HYFPIO7E5VX3FANDSPSFY"
    )
    receipt = expand(text)
    assert receipt.label == "E0417-000017"
    assert receipt.captured.minor == 1267


@pytest.mark.parametrize("broken", ["", "hello", TAG, TAG + "!", TAG + "AAAAAAAA", "PILEPAY2ABCD", "PILEPAY3ABCD", "PILEPAYC1AB"])
def test_what_is_no_receipt_is_refused(broken) -> None:
    with pytest.raises(ReceiptError):
        expand(broken)


def test_every_single_changed_character_is_noticed(receipt) -> None:
    text = compact(receipt)
    for i in range(len(TAG), len(text)):
        other = "A" if text[i] != "A" else "B"
        try:
            again = expand(text[:i] + other + text[i + 1 :])
        except ReceiptError:
            continue
        assert again == receipt  # the last character holds unused bits
        assert i == len(text) - 1


def test_a_changed_credit_note_is_noticed(sale, refund, seller, place) -> None:
    text = compact(credit_note([*sale(), *refund(1, 100)], seller, place))
    for i in range(0, len(text) - 1, 3):
        with pytest.raises(ReceiptError):
            expand(text[:i] + ("A" if text[i] != "A" else "B") + text[i + 1 :])


def test_half_a_code_is_refused(receipt) -> None:
    text = compact(receipt)
    for end in range(len(TAG), len(text) - 1, 7):
        with pytest.raises(ReceiptError):
            expand(text[:end])


@given(st.sampled_from([TAG, FULL_TAG, NOTE_TAG]), st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", max_size=400))
def test_noise_never_does_anything_but_raise(tag, noise) -> None:
    with pytest.raises(ReceiptError):
        expand(tag + noise)


def test_names_in_any_script_come_back(sale) -> None:
    seller = Seller("Ładowarka „Słońce” 充电", ("Δρόμος 1",), "", "+48 1")
    receipt = document(sale(), seller, Place("Ж", (), "E", "Å"))
    assert expand(compact(receipt)) == receipt


def longest(sale, line_of):
    """What a rich tariff and a driver with several discounts come to."""
    lines = (
        line_of("FLAT", "1", "0.3500", 35, "7"),
        line_of("RESERVATION_TIME", "0.25", "3.0000", 75, "19", seconds=900),
        line_of("ENERGY", "18.347912", "0.5875", 1078, "19", mwh=18_347_912),
        line_of("ENERGY", "31.204377", "0.4925", 1537, "19", mwh=31_204_377),
        line_of("ENERGY", "12.750001", "0.3975", 507, "19", mwh=12_750_001),
        line_of("TIME", "1.25", "1.2000", 150, "7", seconds=4_500),
        line_of("PARKING_TIME", "3.5", "6.0000", 2100, "7", seconds=12_600),
        line_of("IDLE_CAP", "1", "-9", -900, "7"),
    )
    off = (
        ("SOLAR", "Sonnendach Rathausplatz", Funder.SITE, -412, "19", 9_000_000, None),
        ("OFF_PEAK", "Nachtladen am Wochenende", Funder.OPERATOR, -98, "19", 0, None),
        ("SUBSCRIPTION", "Stadtwerke Ladeabo Komfort Plus", Funder.PARTNER, -690, "19", 14_000_000, 26_000_000),
        ("FLEET", "Pflegedienst Nordbrandenburg", Funder.EMPLOYER, -85, "19", 0, None),
        ("FLEET", "Pflegedienst Nordbrandenburg", Funder.EMPLOYER, -62, "7", 0, None),
        ("COUPON", "Willkommen im Sommer 2026", Funder.PARTNER, -200, "19", 0, None),
    )
    taken = tuple(
        DiscountLine(
            *astuple(line_of(code, "1", str(minor / 100), minor, vat, mwh=mwh))[:6], Money(minor, "EUR"), 0, mwh, name, funder, left
        )
        for code, name, funder, minor, vat, mwh, left in off
    )
    return sale(lines=(*lines, *taken), held=12_000)


VERIFICATION = Verification("OCMF", "7f3a91c2 55d0aa17 9be01234 cafe8899 aa", "4f0c9ab17c3de522 91be03f7a8c4d210")


def test_the_longest_receipt_that_is_real_fits_a_code_that_a_phone_reads(sale, line_of) -> None:
    seller = Seller(
        "Energieversorgung Märkisch-Oderland Ladeinfrastruktur Betriebsgesellschaft mbH & Co. KG",
        ("Straße der Deutschen Einheit 117", "Aufgang C, 3. Obergeschoss", "15366 Neuenhagen bei Berlin"),
        "DE 123 456 789",
        "0800 555 0417 (rund um die Uhr)",
        "E0417-",
        ("Beschwerden innerhalb von acht Wochen an die Schlichtungsstelle Energie e. V., Friedrichstraße 133, 10117 Berlin.",),
    )
    place = Place(
        "Rathausplatz", ("Rathausplatz 1, 15366 Neuenhagen bei Berlin",), "DE*LND*E0417*1", "A", "KST-HPC-2026-004711", "1LEM0031402277"
    )
    receipt = document(longest(sale, line_of), seller, place, copy=1, checkpoint="17384 8Yk3 qL0v Zt1c", verification=VERIFICATION)
    text = compact(receipt)
    assert len(text) <= 1_800
    assert expand(text) == receipt
    assert segno.make(text, error="l", micro=False).mode == "alphanumeric"


def test_the_longest_receipt_in_other_letters_fits_too(sale, line_of) -> None:
    name = "北京市朝阳区新能源汽车充电服务有限公司"
    seller = Seller(
        name,
        ("北京市朝阳区建国路甲九十三号院八号楼二十二层",),
        "91110105MA01A2B3C4",
        "400 800 8888",
        "BJ17-",
        ("投诉电话：12315，受理期限六十日。",),
    )
    place = Place("万达广场地下二层充电站", ("北京市朝阳区建国路九十三号",), "CN*BJE*E0417*1", "A", "XJ-2026-004711", "DTS1946-0031402277")
    receipt = document(longest(sale, line_of), seller, place, copy=1, checkpoint="17384 8Yk3 qL0v Zt1c", verification=VERIFICATION)
    assert expand(compact(receipt)) == receipt
