"""The languages of a site are those that have words."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from kiosk.wording.languages import LANGUAGES

DEMO = Path(__file__).parents[2] / "assets" / "demo"


def _checked(folder: Path, languages: list[str]) -> list[str]:
    """What `pilepay check` says about the languages; other troubles of this folder are not asked for."""
    shutil.copytree(DEMO, folder, dirs_exist_ok=True)
    (folder / "secrets").mkdir()
    for name in ("terminal.passphrase", "terminal-root.pem", "acquirer.key", "webhook.key"):
        secret = folder / "secrets" / name
        secret.write_text("not a real secret\n")
        secret.chmod(0o600)
    file = folder / "kiosk.toml"
    now = next(line for line in file.read_text().splitlines() if line.startswith("languages = "))
    file.write_text(file.read_text().replace(now, f"languages = {languages!r}"))
    asked = [sys.executable, "-m", "kiosk", "check", "--config", str(file)]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=30)
    return [line for line in answer.stdout.splitlines() if "languages" in line]


def test_a_site_may_have_every_language_there_is(tmp_path: Path) -> None:
    assert _checked(tmp_path, list(LANGUAGES)) == []


def test_a_language_without_words_is_named_before_anything_starts(tmp_path: Path) -> None:
    told = "kiosk.toml: site.languages: there are no words for 'uk', only for en, de, fr, nl, es, it, pl, tr"
    assert _checked(tmp_path, ["en", "uk"]) == [told]


def test_the_demo_speaks_every_language() -> None:
    assert tomllib.loads((DEMO / "kiosk.toml").read_text())["site"]["languages"] == list(LANGUAGES)
