"""The sentences of one language, read from its gettext catalogue.

Catalogues are plain `.po` files with symbolic message ids, read at run time: a translator's correction needs no compile step. A sentence's
placeholders are bare names (`{amount}`); what fills them is already formatted for the language.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from string import Formatter

from babel.messages.pofile import PoFileError, read_po

from kiosk import ASSETS

FOLDER = ASSETS / "i18n"
SOURCE = "en"

# Babel takes half a string for a whole one and drops a second entry of the same id; a translator's slip must not go unseen.
_LINE = re.compile(r'(?:#.*|(?:(?:msgctxt|msgid|msgid_plural|msgstr|msgstr\[\d\])\s+)?"(?:[^"\\]|\\.)*")?\s*')


class WordingError(Exception):
    """A sentence, language or value that cannot be put into words."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """`forms` holds one text, or one for each plural form of the language; `fields` are the placeholders any of them uses."""

    forms: tuple[str, ...]
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`plural` gives the index of the form that goes with a count."""

    language: str
    sentences: Mapping[str, Sentence]
    plural: Callable[[int], int]


def path(language: str) -> Path:
    """Where the catalogue of a language lies."""
    return FOLDER / language / "LC_MESSAGES" / "pilepay.po"


@cache
def load(language: str) -> Catalogue:
    """The catalogue of a language. Raises `WordingError` when it is missing or broken."""
    file = path(language)
    try:
        text = file.read_text("utf-8")
        read = read_po(StringIO(text), abort_invalid=True)
    except FileNotFoundError as error:
        raise WordingError(f"there are no words for the language {language!r}: {file} is missing") from error
    except (PoFileError, ValueError) as error:
        raise WordingError(f"the catalogue {file} cannot be read: {error}") from error
    _check(text, file)
    sentences: dict[str, Sentence] = {}
    for message in read:
        if not message.id:
            continue
        code = message.id if isinstance(message.id, str) else message.id[0]
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        if message.fuzzy or not forms or not all(forms):
            continue  # not translated yet: `say` names it
        sentences[code] = Sentence(forms, frozenset().union(*(_fields(code, language, form) for form in forms)))
    return Catalogue(language, sentences, gettext.c2py(read.plural_expr))


def _check(text: str, file: Path) -> None:
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        if not _LINE.fullmatch(line):
            raise WordingError(f"{file}, line {number}: not a comment and not one quoted string: {line}")
        if line.startswith("msgid ") and line != 'msgid ""':
            if line in seen:
                raise WordingError(f"{file}, line {number}: {line[6:]} is written twice")
            seen.add(line)


def _fields(code: str, language: str, text: str) -> frozenset[str]:
    names: set[str] = set()
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise WordingError(f"{code} in {language}: {error}") from error
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if spec or conversion or not name.isidentifier():
            raise WordingError(f"{code} in {language}: a placeholder is a bare name in braces, not {{{name}}} with anything added")
        names.add(name)
    return frozenset(names)
