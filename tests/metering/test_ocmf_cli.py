"""`pilepay meter verify`: the exit code is the verdict on the signatures, and whether a value may be billed is printed apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ocmf_maker import OCA, OCMF_JS, VECTORS, SigningMeter, ocpp, reading

from kiosk.__main__ import main
from kiosk.metering.containers import LARGEST

METER = SigningMeter()
GOOD, BAD, WRONG_USE = 0, 1, 2


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "values.txt"
    path.write_bytes(METER.record(reading("B", "10.000"), reading("E", "12.500")))
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    code = main(["meter", "verify", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_valid_value_tells_energy_time_and_that_it_may_be_billed(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    code, out, err = run(capsys, file, "--public-key", METER.key)
    assert (code, err) == (GOOD, "")
    lines = out.splitlines()
    assert lines[0] == f"{file}: OCMF, 1 signed value"
    assert lines[1].startswith("value 1: valid: signed with this key")
    assert lines[2] == "  begin  2026-05-01T12:00:00.000+02:00 (clock synchronised)  10.000 kWh  1-b:1.8.0"
    assert lines[3] == "  end  2026-05-01T12:30:00.000+02:00 (clock synchronised)  12.500 kWh  1-b:1.8.0"
    assert lines[4:] == ["billable: yes, 2.500 kWh", "billable time: yes"]


def test_an_altered_value_is_invalid_and_not_billable(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"12.500", b"13.500"))
    code, out, _ = run(capsys, file, "--public-key", METER.key)
    assert code == BAD
    assert "value 1: invalid: the signature is not of these bytes" in out
    assert "billable: no, not every signature is valid" in out


def test_without_a_key_plain_ocmf_is_unverifiable(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    code, out, _ = run(capsys, file)
    assert code == BAD
    assert "value 1: unverifiable: there is no public key" in out


def test_the_containers_own_key_is_used_and_said_so(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_bytes(ocpp(METER.record(reading("B"), reading("E", "12.5")), METER.key))
    code, out, _ = run(capsys, file)
    assert code == GOOD
    assert "key: none given, so the one beside each value is used: it does not prove whose meter this is" in out
    code, out, _ = run(capsys, file, "--public-key", METER.key)
    assert code == GOOD
    assert "key:" not in out


def test_the_verdict_does_not_depend_on_what_may_be_billed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, VECTORS / "transparency" / "bauer_errors.xml")
    assert code == GOOD
    assert "unusable: Et  meter state E" in out
    assert "billable: no, the meter flags the energy as unusable; the meter was not in good state" in out
    code, out, _ = run(capsys, VECTORS / "oca_smv_example.json", "--public-key", OCA["public_key_hex"])
    assert code == GOOD
    assert "billable: yes, 0.636 kWh\nbillable time: no, the clock is not synchronised" in out


def test_one_bad_value_among_good_ones_makes_it_bad(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, VECTORS / "transparency" / "ebee_02.xml")
    assert code == BAD
    assert "value 1: invalid" in out
    assert "value 2: valid" in out


def test_a_curve_unknown_here_is_unverifiable(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, VECTORS / "transparency" / "two_values_secp192k1.xml")
    assert code == BAD
    assert out.count("unverifiable: signed with ECDSA-secp192k1-SHA256") == 2


def test_every_vector_of_ocmf_js_from_the_command_line(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    for vector in OCMF_JS:
        signature = json.dumps({"SA": vector["sa"], "SD": vector["signature_hex"]})
        file.write_text(f"OCMF|{vector['payload']}|{signature}", encoding="utf-8")
        code, _, _ = run(capsys, file, "--public-key", vector["public_key_hex"])
        assert code == (GOOD if vector["expected"] and vector["curve"] != "secp192k1" else BAD), vector["id"]


def test_a_key_from_a_file(capsys: pytest.CaptureFixture[str], file: Path, tmp_path: Path) -> None:
    for spelled in (METER.key.encode() + b"\n", METER.der):
        key = tmp_path / "meter.key"
        key.write_bytes(spelled)
        assert run(capsys, file, "--public-key", key)[0] == GOOD


def test_wrong_use(capsys: pytest.CaptureFixture[str], file: Path, tmp_path: Path) -> None:
    for words in (
        [file, "--public-key", "zz"],
        [file, "--public-key", ""],
        [file, "--public-key", tmp_path],
        [tmp_path / "none"],
        [tmp_path],
    ):
        code, out, err = run(capsys, *words)
        assert (code, out) == (WRONG_USE, "")
        assert err.count("\n") == 1
    for words in ([], [file, "--colour"]):
        with pytest.raises(SystemExit) as left:
            run(capsys, *words)
        assert left.value.code == WRONG_USE


def test_a_file_that_holds_no_signed_value_is_bad(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    for content in (b"", b"hello", b'<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><values>&x;</values>', b"{}"):
        file.write_bytes(content)
        code, out, err = run(capsys, file)
        assert (code, out) == (BAD, "")
        assert err.startswith(f"{file}: ")


def test_a_file_of_100_mb_is_refused(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    with file.open("wb") as hole:
        hole.truncate(100_000_000)
    code, _, err = run(capsys, file)
    assert code == BAD
    assert f"larger than {LARGEST // 2**20} MiB" in err


def test_a_record_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    evil = "\x1b[2J\x07\nvalue 1: valid\u202e"
    file.write_bytes(METER.record(reading("B", RI=evil, TX=evil, EF=evil), page="T1", MS=evil, GS=evil))
    _, out, _ = run(capsys, file, "--public-key", SigningMeter().key)
    assert not {"\x1b", "\x07", "\u202e"} & set(out)
    assert not [line for line in out.splitlines() if line.startswith("value 1: valid")]


def test_values_of_several_transactions_are_judged_each(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    whole = METER.record(reading("B"), reading("E", "12.5"), page="T1").decode()
    half = METER.record(reading("B"), page="T2").decode()
    values = "".join(f'<value transactionId="{n}"><signedData>{record}</signedData></value>' for n, record in ((7, whole), (8, half)))
    file.write_text(f"<values>{values}</values>", encoding="utf-8")
    code, out, _ = run(capsys, file, "--public-key", METER.key)
    assert code == GOOD
    assert "billable (transaction 7): yes, 2.500 kWh" in out
    assert "billable (transaction 8): no, the last reading is not the end of a transaction" in out


def test_json_for_programs(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    code, out, err = run(capsys, file, "--public-key", METER.key, "--json")
    report = json.loads(out)
    assert (code, err) == (GOOD, "")
    assert (report["format"], report["key"], report["verdict"], report["billable"]) == ("ocmf", "given", "valid", True)
    (value,) = report["values"]
    assert (value["verdict"], value["reason"], value["pagination"], value["curve"]) == ("valid", "signed", "T1", "secp256r1")
    assert [(entry["kwh"], entry["mwh"], entry["clock"]) for entry in value["readings"]] == [
        ("10.000", 10_000_000, "S"),
        ("12.500", 12_500_000, "S"),
    ]
    expected = {"transaction": None, "billable": True, "kwh": "2.500", "reasons": [], "billable_time": True, "time_reasons": []}
    assert report["transactions"] == [expected]


def test_json_of_what_cannot_be_read(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_text("hello", encoding="utf-8")
    code, out, err = run(capsys, file, "--json")
    assert (code, err) == (BAD, "")
    assert json.loads(out)["billable"] is False
    file.write_bytes(b"OCMF|{}|{}")
    code, out, _ = run(capsys, file, "--json", "--public-key", METER.key)
    assert (code, json.loads(out)["values"][0]["verdict"], json.loads(out)["values"][0]["readings"]) == (BAD, "invalid", [])


def test_a_value_finer_than_we_count_is_shown_and_not_billed(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_bytes(METER.record(reading("B"), reading("E", "12.50000001"), reading("E", "90", RI="1-0:0.8.6", RU="s")))
    code, out, _ = run(capsys, file, "--public-key", METER.key)
    assert code == GOOD
    assert "12.50000001 kWh" in out
    assert "90 s" in out
    assert "billable: no, a value is no exact number of milliwatt-hours" in out
    (value,) = json.loads(run(capsys, file, "--public-key", METER.key, "--json")[1])["values"]
    assert [(entry["kwh"], entry["mwh"]) for entry in value["readings"]] == [("10.000", 10_000_000), ("12.50000001", None), (None, None)]
