"""What the screen says by itself while core cannot be reached: the only words of the product that do not come from core.

They are true whatever core was doing, so they name no number. In every language a driver may choose, for a driver who has just paid must be
able to read that the charge goes on; a touch changes the language here, as nobody else is there to do it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Said:
    """`name` is the language's own. `call` has a place for the `{station}`."""

    name: str
    title: str
    what: str
    call: str


AWAY: Mapping[str, Said] = MappingProxyType(
    {
        "en": Said(
            "English",
            "You cannot start a charge here now.",
            "Charging now? It goes on, and unplugging ends it. You pay only what was delivered.",
            "If you call us, say {station}.",
        ),
        "de": Said(
            "Deutsch",
            "Sie können hier jetzt kein Laden starten.",
            "Sie laden gerade? Es lädt weiter, Abstecken beendet es. Sie zahlen nur das Geladene.",
            "Bei Anruf sagen Sie {station}.",
        ),
        "fr": Said(
            "Français",
            "Aucune recharge ne peut commencer ici.",
            "Vous rechargez\u00a0? Cela continue, débrancher y met fin. Vous ne payez que la consommation.",
            "Si vous appelez, indiquez {station}.",
        ),
        "nl": Said(
            "Nederlands",
            "U kunt hier nu niet beginnen met laden.",
            "Laadt u nu? Het laden gaat door, loskoppelen stopt het. U betaalt alleen wat geladen is.",
            "Als u belt, noem {station}.",
        ),
        "es": Said(
            "Español",
            "Ahora no se puede iniciar una carga aquí.",
            "¿Está cargando? La carga sigue y acaba al desconectar. Solo paga lo cargado.",
            "Si nos llama, diga {station}.",
        ),
        "it": Said(
            "Italiano",
            "Ora qui non si può avviare una ricarica.",
            "Sta ricaricando? La ricarica continua, scollegare la termina. Paga solo quanto erogato.",
            "Se ci chiama, dica {station}.",
        ),
        "pl": Said(
            "Polski",
            "Teraz nie można tu zacząć ładowania.",
            "Trwa ładowanie? Trwa dalej, odłączenie je kończy. Płaci się tylko za zużycie.",
            "Dzwoniąc, proszę podać {station}.",
        ),
        "tr": Said(
            "Türkçe",
            "Şu anda burada şarj başlatılamıyor.",
            "Şarj mı ediyorsunuz? Şarj sürer, soketi çıkarınca biter. Yalnızca aldığınızı ödersiniz.",
            "Bizi ararsanız {station} deyin.",
        ),
    }
)
SOURCE = "en"


def choices() -> list[dict[str, str]]:
    """The same for QML, in the order of the keys."""
    return [{"code": code, "name": said.name, "title": said.title, "what": said.what, "call": said.call} for code, said in AWAY.items()]
