"""The tree, the signed text and the short form on a receipt, held against their public definitions."""

from __future__ import annotations

import base64
import stat
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from kiosk.journal.checkpoint import PublicKey, Signer, parse, parse_keys, parse_stated, short
from kiosk.journal.entry import Entry, JournalError
from kiosk.journal.journal import Journal
from kiosk.journal.merkle import Frontier
from kiosk.values import Moment

AT = Moment(1_790_000_000_000, "boot-1", 5_000_000)


def entry(n: int) -> Entry:
    return Entry("kiosk", "Tested", 1, AT, b'{"n":%d}' % n)


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root_of(leaves[:k]) + root_of(leaves[k:])).digest()


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_edge_gives_the_root_of_the_definition_also_when_taken_up_again(total: int, stop: int) -> None:
    leaves = [sha256(b"%d" % n).digest() for n in range(total)]
    frontier = Frontier()
    for n, leaf in enumerate(leaves):
        if n == stop:
            frontier = Frontier.parse(frontier.size, bytes(frontier))
        frontier.append(leaf)
    assert frontier.root() == root_of(leaves)


def test_an_edge_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(JournalError, match="altered"):
        Frontier.parse(3, bytes(32))


def test_a_foreign_signed_note_verifies() -> None:
    """The example of the Go module database's note package (golang.org/x/mod/sumdb/note, BSD-3-Clause)."""
    (key,) = parse_keys("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    assert key.signed(note)
    assert not key.signed(note.replace("answer", "Answer"))


def test_a_checkpoint_of_the_specification_is_read() -> None:
    """The example of c2sp.org/tlog-checkpoint."""
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    checkpoint = parse(note)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert base64.b64encode(checkpoint.root) == b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def test_what_is_no_checkpoint_is_refused() -> None:
    for text in (
        "",
        "a\n\nb",
        "log\n007\n" + "A" * 44 + "\n\n— log x\n",
        "log\n7\nAAAA\n\n— log x\n",
        "log\n-7\n" + "A" * 44 + "\n\n— log x\n",
    ):
        with pytest.raises(JournalError, match="no signed checkpoint"):
            parse(text)


def test_a_signature_holds_for_its_key_and_text_only() -> None:
    signer, other = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32))), Signer(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
    checkpoint = signer.sign(7, sha256(b"root").digest())
    (key,), (foreign,) = parse_keys(signer.vkey), parse_keys(other.vkey)
    assert key.vouches_for(checkpoint)
    assert PublicKey(key.key, None).vouches_for(checkpoint)
    assert not foreign.vouches_for(checkpoint)
    assert not key.vouches_for(parse(checkpoint.note.replace("\n7\n", "\n8\n")))
    assert not key.vouches_for(parse(checkpoint.note.replace(f"— {signer.origin}", "— somebody")))


def test_keys_are_taken_as_vkey_pem_or_hex() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signer = Signer(private)
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in (signer.vkey, pem, signer.public.hex()):
        (key,) = parse_keys(text)
        assert key.key == signer.public
    assert [k.key for k in parse_keys(f"{signer.vkey}\n{'ab' * 32}\n")] == [signer.public, bytes.fromhex("ab" * 32)]
    for wrong in ("", "ab", signer.vkey[:-6], signer.vkey.replace("pilepay", "palepay"), pem.replace("MC", "MD", 1)):
        with pytest.raises(JournalError, match="public key"):
            parse_keys(wrong)


def test_the_short_form_is_read_back_however_it_is_typed() -> None:
    checkpoint = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32))).sign(1042, sha256(b"root").digest())
    text = short(checkpoint)
    assert text.startswith("1042-")
    assert len(text) == len("1042-AAAA-AAAA-AAAA-AAAA")
    for typed in (text, text.lower(), text.replace("-", "").replace("1042", "1042-"), f" {text}\n"):
        stated = parse_stated(typed)
        assert (stated.size, stated.root, stated.signed) == (1042, checkpoint.root[:10], None)
    for wrong in ("1042", "1042-AAAA", "x-AAAA-AAAA-AAAA-AAAA", "", "1042-!!!!-AAAA-AAAA-AAAA"):
        with pytest.raises(JournalError, match="no checkpoint"):
            parse_stated(wrong)


def test_a_journal_signs_what_it_holds_and_takes_the_tree_up_after_a_restart(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([entry(n) for n in range(5)])
        first = journal.checkpoint()
        assert journal.checkpoint() == first
        origin = first.origin
    with Journal.open(tmp_path / "journal.db") as journal:
        assert journal.checkpoint() == first
        journal.append([entry(n) for n in range(6)])
        second = journal.checkpoint()
        leaves = [s.hash for s in journal.read()]
        (key,) = parse_keys(journal.public_key)
    assert (first.size, first.root) == (5, root_of(leaves[:5]))
    assert (second.size, second.root, second.origin) == (11, root_of(leaves), origin)
    assert key.vouches_for(first)
    assert key.vouches_for(second)


def test_the_private_key_is_for_the_owner_only_and_made_once(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        made = journal.layout.key.read_bytes()
        public = journal.layout.public.read_text()
    assert stat.S_IMODE((tmp_path / "journal.key").stat().st_mode) == 0o600
    (tmp_path / "journal.key").chmod(0o644)
    with Journal.open(tmp_path / "journal.db") as journal:
        assert journal.layout.key.read_bytes() == made
        assert journal.layout.public.read_text() == public == journal.public_key + "\n"
    assert stat.S_IMODE((tmp_path / "journal.key").stat().st_mode) == 0o600


def test_a_lost_key_is_replaced_and_both_public_keys_stay_known(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([entry(1)])
        journal.checkpoint()
    (tmp_path / "journal.key").unlink()
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([entry(2)])
        journal.checkpoint()
        assert journal.verify().sound
        assert len(journal.layout.public.read_text().split()) == 2
    assert "signing key" in caplog.text


def test_a_damaged_key_is_not_overwritten(tmp_path: Path) -> None:
    Journal.open(tmp_path / "journal.db").close()
    (tmp_path / "journal.key").write_text("garbage")
    with pytest.raises(JournalError, match="holds no Ed25519 key"):
        Journal.open(tmp_path / "journal.db")
    assert (tmp_path / "journal.key").read_text() == "garbage"


def test_a_damaged_public_key_file_is_mended(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        vkey = journal.public_key
    for damage in (b"", b"\xff\xfe garbage\n", b"garbage\n" + vkey.encode()):
        (tmp_path / "journal.pub").write_bytes(damage)
        with Journal.open(tmp_path / "journal.db") as journal:
            journal.checkpoint()
            assert journal.verify().sound
            assert journal.layout.public.read_text().split()[-1] == vkey


def test_one_seed_of_entropy_gives_the_same_journal(tmp_path: Path) -> None:
    roots = []
    for name in ("a", "b"):
        with Journal.open(tmp_path / name / "journal.db", entropy=bytes) as journal:
            sealed = journal.evidence.seal(b"frame", None)
            journal.append([Entry("kiosk", "Framed", 1, AT, sealed.digest.encode())], evidence=[sealed])
            roots.append(journal.checkpoint().note)
    assert roots[0] == roots[1]
