"""A command that has commands of its own, named without one, tells them all."""

from __future__ import annotations

import pytest

from kiosk.__main__ import main


@pytest.mark.parametrize(
    ("words", "named"), [("", "simulate"), ("tariff", "explain"), ("meter", "verify"), ("journal", "reviews"), ("review", "decide")]
)
def test_it_tells_its_commands_and_is_wrong_use(words: str, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    said = capsys.readouterr()
    assert f"    {named} " in said.err
    assert said.out == ""
