"""One sale in a file of its own: it proves itself on another machine, every change to it is named, and it says what it cannot prove."""

from __future__ import annotations

import base64
import io
import json
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from kiosk.journal.bundle import verify_bundle
from kiosk.journal.checkpoint import parse_keys, parse_stated, short
from kiosk.journal.cli import export, verify_journal
from kiosk.journal.entry import Entry, JournalError, Seq, Stored, entry_hash
from kiosk.journal.journal import Journal
from kiosk.journal.merkle import Frontier, Tree, consistent, included
from kiosk.metering.reading import Delivered, Reading, Verdict
from kiosk.pricing.quote import Quote
from kiosk.session import codec
from kiosk.session import facts as f
from kiosk.values import ConnectorId, Digest, Moment, Money, SessionId

SALE = SessionId("K417-AAAAAAAAAAAAAAAAAAAAAAAAAA")
OTHER = SessionId("K417-BBBBBBBBBBBBBBBBBBBBBBBBBB")
AT = Moment(1_790_000_000_000, "boot-1", 5_000_000)
TARIFF = '{"currency":"EUR","id":"ENERGY"}'
QUOTE = Quote("ENERGY", TARIFF, sha256(TARIFF.encode()).hexdigest(), "Europe/Berlin", Money(5_000, "EUR"), "en", ("0.50 €/kWh",))
BEGIN, END = Reading(AT.utc_ms, 100_000_000), Reading(AT.utc_ms + 60_000, 110_000_000)


def entry(fact: f.Fact) -> Entry:
    e = codec.encode(fact)
    return Entry(e.stream, e.kind, e.version, e.at, e.body)


class Kiosk:
    """A journal with one sale among others, signed before, during and after it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "journal.db"
        with Journal.open(self.path, reserve_bytes=0) as journal:
            self.key = journal.public_key
            journal.append([entry(f.Started(AT, True)), entry(f.SessionOpened(AT, OTHER, ConnectorId("B")))])
            self.before = journal.checkpoint()
            frame = journal.evidence.seal(b'[2,"1","StartTransaction"]', AT.utc_ms + 1)
            self.frame = frame.digest
            journal.append([entry(f.SessionOpened(AT, SALE, ConnectorId("A"))), entry(f.QuoteAgreed(AT, SALE, QUOTE))])
            journal.append([entry(f.DeliveryStarted(AT, SALE, 7, BEGIN, frame.digest, late=False))], evidence=[frame])
            journal.append([entry(f.SessionClosed(AT, OTHER))])
            self.during = journal.checkpoint()
            journal.append([entry(f.MeterNoted(AT, SALE, Reading(AT.utc_ms + 30_000, 105_000_000)))])
            journal.append([entry(f.DeliveryEnded(AT, SALE, "Local", Delivered(10_000_000, BEGIN, END, Verdict.VALID), None, None))])
            journal.append([entry(f.SessionClosed(AT, SALE))])
            self.after = journal.checkpoint()
            journal.append([entry(f.Started(AT, True))])
            self.newest = journal.checkpoint()

    def export(self, out: Path, session: str = SALE, **how: Any) -> tuple[int, str]:
        text = io.StringIO()
        return export(self.path, session, out, text, **how), text.getvalue()


@pytest.fixture
def kiosk(tmp_path: Path) -> Kiosk:
    return Kiosk(tmp_path)


@pytest.fixture
def bundle(kiosk: Kiosk, tmp_path: Path) -> Path:
    code, text = kiosk.export(tmp_path / "sale.zip")
    assert code == 0, text
    return tmp_path / "sale.zip"


def contents(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(bundle: Path, files: dict[str, bytes]) -> Path:
    other = bundle.with_name("other.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return other


def changed(bundle: Path, change: Callable[[Any], None]) -> Path:
    files = contents(bundle)
    main = json.loads(files["bundle.json"])
    change(main)
    return rewritten(bundle, {**files, "bundle.json": json.dumps(main).encode()})


def verified(path: Path, **how: Any) -> tuple[int, str]:
    out = io.StringIO()
    return verify_journal(path, out, **how), out.getvalue()


def test_a_bundle_proves_itself_without_the_journal(kiosk: Kiosk, bundle: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copy = bundle.rename(elsewhere / "sale.zip")
    code, text = verified(copy, key=kiosk.key, checkpoint=short(kiosk.after))
    assert code == 0
    assert "GOOD: every proof in the bundle holds." in text
    assert "6 of 6 entries" in text
    assert f"The given checkpoint of {kiosk.after.size} entries agrees." in text


def test_it_can_be_compared_with_every_checkpoint_the_driver_may_hold(kiosk: Kiosk, bundle: Path) -> None:
    for checkpoint in (kiosk.before, kiosk.during, kiosk.after, kiosk.newest):
        for stated in (short(checkpoint), checkpoint.note):
            assert verified(bundle, key=kiosk.key, checkpoint=stated)[0] == 0


def test_a_checkpoint_it_says_nothing_of_is_no_good_and_can_be_asked_for(kiosk: Kiosk, tmp_path: Path) -> None:
    with Journal.open(kiosk.path, reserve_bytes=0) as journal:
        journal.append([entry(f.Started(AT, True))])
        asked = journal.checkpoint()
        journal.append([entry(f.Started(AT, True))])
        journal.checkpoint()
    assert kiosk.export(tmp_path / "without.zip")[0] == 0
    code, text = verified(tmp_path / "without.zip", checkpoint=short(asked))
    assert code == 1
    assert "not_comparable" in text
    assert kiosk.export(tmp_path / "with.zip", checkpoint=short(asked))[0] == 0
    assert verified(tmp_path / "with.zip", checkpoint=short(asked))[0] == 0


def test_another_root_at_the_stated_size_is_a_rewritten_journal(kiosk: Kiosk, bundle: Path) -> None:
    code, text = verified(bundle, checkpoint=f"{kiosk.after.size}-{short(kiosk.before).split('-', 1)[1]}")
    assert code == 1
    assert "rewritten" in text


def test_a_key_of_somebody_else_did_not_sign_it(bundle: Path) -> None:
    code, text = verified(bundle, key="ab" * 32)
    assert code == 1
    assert "foreign_signature" in text


def edit_body(main: Any) -> None:
    main["entries"][2]["body"] = main["entries"][2]["body"].replace("100000000", "100000001")


def edit_body_and_hash(main: Any) -> None:
    edit_body(main)
    row = main["entries"][2]
    at = Moment(row["utc_ms"], row["boot_id"], row["mono_ns"], row["trusted"])
    prev = bytes.fromhex(row["prev"])
    stored = Stored(Seq(row["seq"]), row["stream"], row["kind"], row["version"], at, row["body"].encode(), prev, b"")
    row["hash"] = entry_hash(row["seq"], stored, prev).hex()


def forget_proof(main: Any) -> None:
    main["entries"][0]["proof"] = None


def swap_proofs(main: Any) -> None:
    one, two = main["entries"][0], main["entries"][1]
    one["proof"], two["proof"] = two["proof"], one["proof"]


def break_growth(main: Any) -> None:
    main["checkpoints"][0]["consistency"][0] = "00" * 32


def edit_note(main: Any) -> None:
    main["checkpoints"][-1]["note"] = main["checkpoints"][-1]["note"].replace("\n10\n", "\n11\n")


def turn_around(main: Any) -> None:
    main["entries"].reverse()


def slip_in_a_stranger(main: Any) -> None:
    main["entries"][0]["stream"] = OTHER


def date_later(main: Any) -> None:
    main["entries"][0]["utc_ms"] += 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (edit_body, "edited"),
        (edit_body_and_hash, "not_included"),
        (forget_proof, "not_included"),
        (swap_proofs, "not_included"),
        (break_growth, "rewritten"),
        (edit_note, "foreign_signature"),
        (turn_around, "unexpected"),
        (slip_in_a_stranger, "unexpected"),
        (date_later, "edited"),
    ],
)
def test_every_change_is_named(bundle: Path, change: Callable[[Any], None], code: str) -> None:
    verdict = verify_bundle(changed(bundle, change))
    assert verdict.bad is not None
    assert verdict.bad.code == code
    assert verified(changed(bundle, change))[0] == 1


def test_any_byte_of_an_entry_that_is_changed_is_found(bundle: Path) -> None:
    rows = len(json.loads(contents(bundle)["bundle.json"])["entries"])
    for row in range(rows):
        for column in ("seq", "kind", "version", "boot_id", "mono_ns", "trusted", "body", "prev", "hash"):

            def change(main: Any, row: int = row, column: str = column) -> None:
                value = main["entries"][row][column]
                if isinstance(value, bool):
                    new: object = not value
                elif isinstance(value, int):
                    new = value + 1
                else:
                    new = ("1" if value[0] != "1" else "2") + value[1:]
                main["entries"][row][column] = new

            assert not verify_bundle(changed(bundle, change)).sound, (row, column)


@pytest.mark.parametrize("name", ["tariff.json", "meter.json"])
def test_a_copy_that_differs_from_the_entries_is_named(bundle: Path, name: str) -> None:
    files = contents(bundle)
    code, text = verified(rewritten(bundle, {**files, name: files[name].replace(b"1", b"2", 1) + b" "}))
    assert code == 1
    assert f"{name} is not what the entries say" in text


def test_readers_find_tariff_and_meter_values_beside_the_proofs(bundle: Path) -> None:
    files = contents(bundle)
    assert files["tariff.json"].decode() == TARIFF
    values = [(value["is"], value["mwh"]) for value in json.loads(files["meter.json"])]
    assert values == [("begin", 100_000_000), ("between", 105_000_000), ("billed_from", 100_000_000), ("billed_to", 110_000_000)]
    assert b"SHA-256" in files["README.txt"]


def test_what_identifies_people_is_in_it_only_when_asked_for(kiosk: Kiosk, bundle: Path, tmp_path: Path) -> None:
    assert b"StartTransaction" not in b"".join(contents(bundle).values())
    assert "evidence.json" not in contents(bundle)
    assert kiosk.export(tmp_path / "full.zip", evidence=True)[0] == 0
    (datum,) = json.loads(contents(tmp_path / "full.zip")["evidence.json"])["evidence"]
    assert base64.b64decode(datum["data"]) == b'[2,"1","StartTransaction"]'
    assert datum["digest"] == kiosk.frame
    assert stat.S_IMODE((tmp_path / "full.zip").stat().st_mode) == 0o600


def test_evidence_that_is_not_what_its_entry_names_is_found(kiosk: Kiosk, tmp_path: Path) -> None:
    kiosk.export(tmp_path / "full.zip", evidence=True)
    files = contents(tmp_path / "full.zip")
    for old, new in ((base64.b64encode(b'[2,"1",'), base64.b64encode(b'[2,"2",')), (kiosk.frame.encode(), b"0" * 64)):
        assert old[:8] in files["evidence.json"]
        other = rewritten(tmp_path / "full.zip", {**files, "evidence.json": files["evidence.json"].replace(old[:8], new[:8])})
        verdict = verify_bundle(other)
        assert verdict.bad is not None
        assert verdict.bad.code == "evidence_altered"


def test_erased_evidence_leaves_its_digest(kiosk: Kiosk, tmp_path: Path) -> None:
    with Journal.open(kiosk.path, reserve_bytes=0) as journal:
        assert journal.evidence.erase([Digest(kiosk.frame)]) == 1
    code, text = kiosk.export(tmp_path / "full.zip", evidence=True)
    assert code == 0
    assert "1 pieces of evidence were erased" in text


def test_it_says_what_it_cannot_prove(kiosk: Kiosk, bundle: Path) -> None:
    text = verified(bundle)[1]
    for expected in (
        "the one in the bundle was used",
        "No checkpoint was given",
        "1 entries between 3 and 9 are not in the bundle",
        "What came before entry 3 and after entry 9",
        "What the digests in the entries stand for",
        "the meter and the clock told the truth",
    ):
        assert expected in text
    assert "older than entry 7" in verified(bundle, checkpoint=short(kiosk.during))[1]


def test_entries_that_nobody_signed_yet_are_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path, reserve_bytes=0) as journal:
        journal.append([entry(f.SessionOpened(AT, SALE, ConnectorId("A")))])
        never = io.StringIO()
        assert export(path, SALE, tmp_path / "never.zip", never) == 0
        journal.checkpoint()
        journal.append([entry(f.QuoteAgreed(AT, SALE, QUOTE))])
        partly = io.StringIO()
        assert export(path, SALE, tmp_path / "partly.zip", partly) == 0
    assert "From entry 1 to 1 nothing was signed" in never.getvalue()
    assert "From entry 2 to 2 nothing was signed" in partly.getvalue()
    assert "1 of 2 entries" in partly.getvalue()


def test_a_sale_is_found_by_the_end_of_its_name(kiosk: Kiosk, tmp_path: Path) -> None:
    assert kiosk.export(tmp_path / "short.zip", session="AAAA")[0] == 0
    for wrong, why in (("", "fits 2 sales"), ("kiosk", "is no sale"), ("nobody", "is no sale")):
        code, text = kiosk.export(tmp_path / "wrong.zip", session=wrong)
        assert code == 2
        assert why in text
    assert not (tmp_path / "wrong.zip").exists()


def test_nothing_is_overwritten(kiosk: Kiosk, bundle: Path) -> None:
    before = bundle.read_bytes()
    code, text = kiosk.export(bundle)
    assert code == 2
    assert "is there already" in text
    assert bundle.read_bytes() == before


def test_a_file_that_is_no_bundle_is_refused_with_advice(bundle: Path, tmp_path: Path) -> None:
    files = contents(bundle)
    broken = [
        {"bundle.json": files["bundle.json"]},
        {**files, "more.txt": b""},
        {**files, "bundle.json": b"{}"},
        {**files, "bundle.json": files["bundle.json"].replace(b"bundle/1", b"bundle/9")},
        {**files, "bundle.json": re.sub(rb'"seq": ?3', b'"seq": "3"', files["bundle.json"])},
    ]
    for other in broken:
        path = rewritten(bundle, other)
        assert verified(path)[0] == 2
        with pytest.raises(JournalError):
            verify_bundle(path)
    bundle.write_bytes(bundle.read_bytes()[:-40])
    assert verified(bundle)[0] == 2


def test_half_a_character_in_a_bundle_is_refused(bundle: Path) -> None:
    def half(main: Any) -> None:
        main["entries"][0]["body"] = "\ud800"

    with pytest.raises(JournalError):
        verify_bundle(changed(bundle, half))


def test_the_commands_do_it_on_another_machine(kiosk: Kiosk, tmp_path: Path) -> None:
    def pilepay(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "kiosk", "journal", *words], capture_output=True, text=True, check=False, timeout=60)

    made = pilepay("export", "--journal", kiosk.path, "--session", SALE, tmp_path / "sale.zip")
    assert made.returncode == 0, made.stdout + made.stderr
    for path in tmp_path.glob("journal*"):
        path.unlink()
    found = pilepay("verify", tmp_path / "sale.zip", "--key", kiosk.key, "--checkpoint", short(kiosk.after), "--json")
    assert found.returncode == 0
    assert json.loads(found.stdout)["proven"] == 6


def test_keys_and_checkpoints_are_checked_as_for_a_journal(kiosk: Kiosk, bundle: Path) -> None:
    verdict = verify_bundle(bundle, keys=parse_keys(kiosk.key), stated=parse_stated(kiosk.newest.note))
    assert verdict.sound
    assert verdict.checkpoint == kiosk.newest
    foreign = kiosk.newest.note.replace("pilepay", "somebody")
    assert not verify_bundle(bundle, keys=parse_keys(kiosk.key), stated=parse_stated(foreign)).sound


# --- the proofs themselves ------------------------------------------------------------------------------------------------------

# The reference leaves and roots of Certificate Transparency (google/certificate-transparency, Apache-2.0).
LEAVES = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def test_the_tree_has_the_roots_of_the_reference() -> None:
    assert {size: Tree(LEAVES[:size]).root().hex() for size in ROOTS} == ROOTS


def test_every_leaf_of_every_tree_is_proved_and_nothing_else_is() -> None:
    frontier, roots = Frontier(), [b""]
    leaves = [sha256(b"%d" % n).digest() for n in range(40)]
    for size, leaf in enumerate(leaves, 1):
        frontier.append(leaf)
        roots.append(frontier.root())
        tree = Tree(leaves[:size])
        assert tree.root() == roots[size]
        for index in range(size):
            proof = tree.inclusion(index)
            assert included(leaves[index], index, size, roots[size], proof)
            assert not included(bytes(32), index, size, roots[size], proof)
            assert not included(leaves[index], index + 1, size, roots[size], proof)
            assert not included(leaves[index], index, size, roots[size], (*proof, bytes(32)))
            assert size == 1 or not included(leaves[index], index, size, roots[size], proof[:-1])
            growth = tree.consistency(index + 1)
            assert consistent(index + 1, roots[index + 1], size, roots[size], growth)
            assert not consistent(index + 1, bytes(32), size, roots[size], growth)
            assert not consistent(index + 1, roots[index + 1], size, bytes(32), growth)
            assert not consistent(index + 1, roots[index + 1], size, roots[size], (*growth, bytes(32)))
        for beyond in (-1, size):
            with pytest.raises(JournalError):
                tree.inclusion(beyond)
        for beyond in (0, size + 1):
            with pytest.raises(JournalError):
                tree.consistency(beyond)


# --- what stands in its way -----------------------------------------------------------------------------------------------------


def _refused(kiosk: Kiosk, out_file: Path, **how: Any) -> str:
    out = io.StringIO()
    assert export(kiosk.path, SALE, out_file, out, **how) == 2
    assert not out_file.is_file()
    return out.getvalue()


def test_a_folder_that_is_not_there_is_named_before_any_work(kiosk: Kiosk, tmp_path: Path) -> None:
    said = _refused(kiosk, tmp_path / "no" / "sale.zip", evidence=True)
    assert said.endswith(
        f"sale.zip cannot be written: {tmp_path / 'no'} is no folder. Make it first, or name a file in one that is there\n"
    )


def test_evidence_that_is_not_beside_the_journal_is_missed_in_plain_words(kiosk: Kiosk, tmp_path: Path) -> None:
    evidence = kiosk.path.with_name("evidence.db")
    evidence.rename(kiosk.path.with_name("gone.db"))
    mend = "Run this at the kiosk as its own user, or leave out --evidence"
    said = _refused(kiosk, tmp_path / "sale.zip", evidence=True)
    assert said == f"{evidence} is missing, from which --evidence takes what identifies people. {mend}\n"


def test_another_kiosks_key_beside_the_journal_is_said_of_the_bundle(kiosk: Kiosk, tmp_path: Path) -> None:
    public = kiosk.path.with_suffix(".pub")
    public.write_text("ab" * 32)
    out = io.StringIO()
    assert export(kiosk.path, SALE, tmp_path / "sale.zip", out) == 1
    assert f"The key used is the one in {public}: either that is another kiosk's, or somebody signed the journal anew." in out.getvalue()
