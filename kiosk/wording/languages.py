"""Which languages a driver may choose, each by its own name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kiosk.wording.catalogue import path

# Endonyms as their speakers capitalise them in a list; the order is that of the language page.
ENDONYMS: Mapping[str, str] = MappingProxyType(
    {
        "en": "English",
        "de": "Deutsch",
        "fr": "Français",
        "nl": "Nederlands",
        "es": "Español",
        "it": "Italiano",
        "pl": "Polski",
        "tr": "Türkçe",
        "uk": "Українська",
        "ar": "العربية",
    }
)

LANGUAGES: Mapping[str, str] = MappingProxyType({code: name for code, name in ENDONYMS.items() if path(code).is_file()})
