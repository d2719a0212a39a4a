"""Read `kiosk.toml` and the tariffs beside it, and say all that is wrong with them at once.

Nothing is started and no secret is kept: secrets stay in their files until a driver needs one, and a file that others can read is an error.
"""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import get_args

from pydantic import BaseModel, ValidationError

from kiosk.config.fields import Surroundings
from kiosk.config.model import Config, Connector, File, hold_terms
from kiosk.config.problems import ConfigError, Problem
from kiosk.metering.containers import key_bytes
from kiosk.metering.ocmf import MeteringError
from kiosk.metering.verify import readable_key
from kiosk.pricing.lint import Severity, lint, profiles_for
from kiosk.pricing.load import load
from kiosk.pricing.model import PricingError, Tariff
from kiosk.values import ValuesError, exponent

_LARGEST_FILE = 1_000_000
_WORDS = {
    "int_type": "is not a whole number: write digits without quotes",
    "int_from_float": "is not a whole number: leave out the decimals",
    "string_type": "is not text: write it in quotes",
    "list_type": "is not a list: write it in [brackets]",
    "model_type": "is not a table",
    "model_attributes_type": "is not a table",
}


def load_config(path: Path, overlay: Mapping[str, object] | None = None) -> Config:
    """The configuration at `path`. `overlay` replaces single keys, by dotted name (`terminal.port`).

    Raises `ConfigError` with every problem found.
    """
    config, problems = _read(path, overlay or {})
    if config is None or problems:
        raise ConfigError(tuple(problems))
    return config


def load_to_read(path: Path, overlay: Mapping[str, object] | None = None) -> Config:
    """What the file at `path` says, for whoever only reads what the kiosk has done: the secrets, certificates, keys and tariffs that it
    points to are not looked at, and `tariffs` is empty.

    Raises `ConfigError` with every problem found.
    """
    return _config(path, _file(path, overlay or {}), {})


def check(path: Path) -> list[Problem]:
    """All problems of the configuration at `path`, tariffs that may not be sold there among them; empty when all is well.

    A kiosk that runs does not refuse to start over the law: an update that brings a new rule must not put it out of service.
    """
    config, problems = _read(path, {})
    if config is not None and not problems:
        problems += [problem for problem, severity in _lint(config) if severity is Severity.ERROR]
    return problems


def advice(path: Path) -> list[Problem]:
    """What drivers would be angry about; nothing while there are problems."""
    config, problems = _read(path, {})
    if config is None or problems:
        return []
    return [problem for problem, severity in _lint(config) if severity is Severity.WARNING]


def overlay(words: Iterable[str]) -> dict[str, object]:
    """Single keys from the command line, `KEY=VALUE` with a TOML value. Raises `ConfigError`."""
    keys: dict[str, object] = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            keys[name] = tomllib.loads(f"value = {value}", parse_float=Decimal)["value"]
        except tomllib.TOMLDecodeError:
            mend = "write KEY=VALUE with a TOML value, text in quotes"
            raise ConfigError((Problem("--set", name, f"{value!r} cannot be read: {mend}"),)) from None
    return keys


def read_secret(path: Path) -> str:
    """The text of a secret's file, without its last newline. Raises `ConfigError` when it is missing, empty or open to others."""
    if fault := _secret_fault(path):
        raise ConfigError((Problem(str(path), "", fault),))
    return path.read_text("utf-8").rstrip("\r\n")


def meter_key(connector: Connector) -> str:
    """The public key of a connector's meter, in hex; empty when none is registered. Raises `ConfigError` when it is none."""
    file = connector.meter_public_key_file
    try:
        text = connector.meter_public_key or ("" if file is None else file.read_text("utf-8").strip())
        if not text and file is None:
            return ""
        readable_key(text)
        return key_bytes(text).hex()
    except (OSError, UnicodeDecodeError) as error:
        why = f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}"
    except MeteringError as error:
        why = f"{error}: write the meter's public key in hex, base64 or PEM"
    raise ConfigError((Problem("", "", why),))


def _read(path: Path, overlay: Mapping[str, object]) -> tuple[Config | None, list[Problem]]:
    try:
        file = _file(path, overlay)
    except ConfigError as error:
        return None, list(error.problems)
    tariffs, problems = _tariffs(path.resolve().parent / "tariffs", file.site.currency)
    found = (*_references(file, tariffs), *_doubles(file), *_secrets(file), *_meters(file))
    problems += [Problem(path.name, key, text) for key, text in found]
    return _config(path, file, tariffs), problems


def _file(path: Path, overlay: Mapping[str, object]) -> File:
    body = _toml(path, overlay)
    try:
        return File.model_validate(body, context=Surroundings(path.resolve().parent, _currency(body.get("site"))))
    except ValidationError as error:
        problems = [_problem(path.name, e["loc"], e["type"], e["msg"], e.get("ctx", {}), e["input"]) for e in error.errors()]
        raise ConfigError(tuple(problems)) from None


def _config(path: Path, file: File, tariffs: Mapping[str, Tariff | None]) -> Config:
    return Config(
        path=path.resolve(),
        site=file.site,
        piles=tuple(file.piles),
        terminal=file.terminal,
        acquirer=file.acquirer,
        printer=file.printer,
        reader=file.reader,
        accounts=file.accounts,
        screen=file.screen,
        ocpp=file.ocpp,
        upstream=file.upstream,
        journal=file.journal,
        policies=file.policies,
        hold=file.hold,
        offline=file.offline,
        metering=file.metering,
        retention=file.retention,
        sources=tuple(file.sources),
        recognition=file.recognition,
        tariffs=MappingProxyType({name: t for name, t in tariffs.items() if t is not None}),
    )


# --- reading --------------------------------------------------------------------------------------------------------------------


def _toml(path: Path, overlay: Mapping[str, object]) -> dict[str, object]:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ConfigError((Problem(path.name, "", f"is larger than {_LARGEST_FILE} bytes: that is no configuration"),))
        body: dict[str, object] = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        raise ConfigError((Problem(str(path), "", "no such file: give the path of kiosk.toml with --config"),)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError((Problem(str(path), "", f"cannot be read: {error}"),)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((Problem(path.name, "", f"is not TOML: {error}"),)) from None
    for name, value in overlay.items():
        table = body
        *tables, key = name.split(".")
        for part in tables:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                raise ConfigError((Problem(path.name, name, f"{part} is not a table: only keys of tables can be replaced"),))
            table = inner
        table[key] = value
    return body


def _currency(site: object) -> str:
    """The currency amounts are read in; any, when the file's own is wrong and will be reported."""
    code = site.get("currency") if isinstance(site, dict) else None
    try:
        exponent(str(code))
    except ValuesError:
        return "EUR"
    return str(code)


def _tariffs(folder: Path, currency: str) -> tuple[dict[str, Tariff | None], list[Problem]]:
    """Every tariff of the folder; None for one that has problems."""
    tariffs: dict[str, Tariff | None] = {}
    problems: list[Problem] = []
    for file in sorted(folder.glob("*.json")):
        name = f"tariffs/{file.name}"
        tariffs[file.stem] = None
        try:
            tariff = load(file.read_bytes())
        except OSError as error:
            problems.append(Problem(name, "", f"cannot be read: {error}"))
        except PricingError as error:
            problems += [Problem(name, *_split(line)) for line in str(error).splitlines()]
        else:
            tariffs[file.stem] = tariff
            if tariff.currency != currency:
                problems.append(Problem(name, "currency", f"{tariff.currency} is not the site's {currency}: a receipt has one currency"))
    return tariffs, problems


def _split(line: str) -> tuple[str, str]:
    key, separator, text = line.partition(": ")
    return (key, text) if separator and " " not in key else ("", line)


# --- what must agree ------------------------------------------------------------------------------------------------------------


def _connectors(file: File) -> Iterator[tuple[str, Connector]]:
    for i, pile in enumerate(file.piles):
        for j, connector in enumerate(pile.connectors):
            yield f"piles[{i}].connectors[{j}]", connector


def _references(file: File, tariffs: Mapping[str, Tariff | None]) -> Iterator[tuple[str, str]]:
    for key, connector in _connectors(file):
        if connector.tariff not in tariffs:
            found = ", ".join(sorted(tariffs)) or "none"
            yield f"{key}.tariff", f"no tariff {connector.tariff!r} in tariffs/{_near(connector.tariff, tariffs)} found: {found}"
            continue
        tariff = tariffs[connector.tariff]
        if tariff is None:
            continue
        try:
            terms = hold_terms(file.hold, connector, tariff, file.site.currency)
        except ValueError as error:
            yield f"{key}.hold", str(error)
            continue
        least = min((terms.hold, *terms.choices), key=lambda m: m.minor)
        if least < file.policies.smallest_hold:
            where = f"{key}.hold" if file.hold.policy == "fixed" else "hold"
            yield where, f"{least.decimal()} is below policies.smallest_hold {file.policies.smallest_hold.decimal()}: no charge would start"
    sale, least = file.offline.sale, file.policies.smallest_hold
    if (file.reader is None) != (file.accounts is None):
        here, there = ("reader", "accounts") if file.accounts is None else ("accounts", "reader")
        yield there, f"the [{there}] table is missing: a tag is read by the reader and known by the accounts, so [{here}] needs it"
    if file.offline.rule == "rfid_only" and file.reader is None:
        yield "offline.rule", "rfid_only needs a [reader] and [accounts]: without them nothing is sold while cards are away"
    if file.offline.rule == "capped" and sale is not None and sale < least:
        yield "offline.sale", f"{sale.decimal()} is below policies.smallest_hold {least.decimal()}: nothing would be sold"


def _lint(config: Config) -> Iterator[tuple[Problem, Severity]]:
    """Every tariff in use under the rules of the country and of its connectors' power."""
    profiles: dict[str, set[str]] = {}
    for pile in config.piles:
        for connector in pile.connectors:
            profiles.setdefault(connector.tariff, set()).update(profiles_for(config.site.profile, connector.power_kw))
    for name, rules in sorted(profiles.items()):
        for finding in lint(config.tariffs[name], *sorted(rules)):
            yield Problem(f"tariffs/{name}.json", finding.path, f"{finding.code}: {finding.message}"), finding.severity


def _near(word: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(word, list(known), 1, 0.5)
    return f": did you mean {near[0]!r}?" if near else ";"


def _doubles(file: File) -> Iterator[tuple[str, str]]:
    """Names that must be one of a kind."""
    seen: dict[tuple[str, str], str] = {}
    places: list[tuple[str, str, str]] = [(f"piles[{i}].identity", "identity", pile.identity) for i, pile in enumerate(file.piles)]
    for i, pile in enumerate(file.piles):
        places += [
            (f"piles[{i}].connectors[{j}].number", f"number on {pile.identity}", str(c.number)) for j, c in enumerate(pile.connectors)
        ]
    places += [(f"sources[{i}].name", "source", source.name) for i, source in enumerate(file.sources)]
    for key, connector in _connectors(file):
        places += [(f"{key}.letter", "letter", connector.letter), (f"{key}.evse_id", "EVSE ID", connector.evse_id)]
    for key, kind, value in places:
        if (kind, value) in seen:
            yield key, f"{value} is also {seen[kind, value]}: each {kind} is used once"
        seen.setdefault((kind, value), key)


def _secrets(file: File) -> Iterator[tuple[str, str]]:
    paths = [
        ("terminal.passphrase_file", file.terminal.passphrase_file),
        ("acquirer.api_key_file", file.acquirer.api_key_file),
        ("acquirer.hmac_key_file", file.acquirer.hmac_key_file),
        ("acquirer.webhook_password_file", file.acquirer.webhook_password_file),
        ("acquirer.refund_key_file", file.acquirer.refund_key_file),
        *((f"piles[{i}].password_file", pile.password_file) for i, pile in enumerate(file.piles)),
        *((f"sources[{i}].token_file", source.token_file) for i, source in enumerate(file.sources)),
        ("recognition.key_file", file.recognition.key_file),
        ("upstream.password_file", file.upstream.password_file if file.upstream else None),
        ("accounts.file", file.accounts.file if file.accounts else None),
    ]
    for key, path in paths:
        if path is not None and (fault := _secret_fault(path)):
            yield key, fault
    roots = [("terminal.root_ca", file.terminal.root_ca), ("acquirer.root_ca", file.acquirer.root_ca)]
    roots += [(f"sources[{i}].root_ca", source.root_ca) for i, source in enumerate(file.sources)]
    roots += [("upstream.root_ca", file.upstream.root_ca)] if file.upstream else []
    for key, path in roots:
        if path is not None and not path.is_file():
            yield key, f"no such file: {path}: put the certificate (PEM) there"


def _meters(file: File) -> Iterator[tuple[str, str]]:
    """The keys of meters that sign."""
    for key, connector in _connectors(file):
        given = f"{key}.meter_public_key_file" if connector.meter_public_key_file is not None else f"{key}.meter_public_key"
        try:
            found = meter_key(connector)
        except ConfigError as error:
            yield given, error.problems[0].message
            continue
        if not found and file.metering.signed == "require":
            yield given, 'is missing: with metering.signed = "require" nothing is billed that the meter\'s registered key does not prove'


def _is_credential(path: Path, status: os.stat_result) -> bool:
    """Whether systemd put it there for this service (systemd.exec, LoadCredential=): mode 0440, with an access list that names the
    service's user alone and shows as the group's right to read."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder or not path.resolve().is_relative_to(Path(folder).resolve()):
        return False
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o027


def _secret_fault(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return f"{path} is not a file: put the secret into a file of mode 0600"
        if status.st_mode & 0o077 and not _is_credential(path, status):
            return f"{path} has mode {stat.S_IMODE(status.st_mode):04o} and can be read by others: run chmod 600 {path}"
        if not path.read_text("utf-8").strip():
            return f"{path} is empty: put the secret on its first line"
    except FileNotFoundError:
        return f"no such file: {path}: put the secret there and run chmod 600 {path}"
    except (OSError, UnicodeDecodeError) as error:
        return f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}"
    return ""


# --- sentences ------------------------------------------------------------------------------------------------------------------


def _problem(file: str, loc: tuple[int | str, ...], kind: str, message: str, context: Mapping[str, object], given: object) -> Problem:
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")
    model = _model_at(loc[:-1])
    field = model.model_fields.get(str(loc[-1])) if model and loc else None
    meant = field.description if field is not None else None
    if kind == "extra_forbidden":
        return Problem(file, key, f"unknown key{_hint(str(loc[-1]), model)}")
    if kind == "missing":
        return Problem(file, key, "is missing" + (f": write {meant}" if meant else ""))
    if kind == "value_error":
        return Problem(file, key, str(context.get("error", message)))
    if kind == "literal_error":
        return Problem(file, key, f"{given!r} is not one of {context.get('expected')}")
    shown = f"{given!r} " if isinstance(given, str | int | Decimal | bool) else ""
    words = _WORDS.get(kind) or f"{message[:1].lower()}{message[1:]}" + (f": write {meant}" if meant else "")
    return Problem(file, key, shown + words)


def _hint(key: str, model: type[BaseModel] | None) -> str:
    known = tuple(model.model_fields) if model else ()
    near = difflib.get_close_matches(key.lower(), known, 1, 0.6)
    return f": did you mean {near[0]!r}?" if near else f": known here are {', '.join(known)}"


def _model_at(loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The table a path lies in."""
    model: type[BaseModel] = File
    for part in loc:
        if isinstance(part, str):
            field = model.model_fields.get(part)
            inner = next(_models(field.annotation), None) if field is not None else None
            if inner is None:
                return None
            model = inner
    return model


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
