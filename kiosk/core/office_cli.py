"""`pilepay queue`, `review` and `refund`: the operator's orders to a running kiosk, from its own command line."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from pathlib import Path
from typing import Any

from kiosk.config.load import load_config, overlay
from kiosk.config.problems import ConfigError
from kiosk.core.office import OfficeError
from kiosk.core.office_link import SOCKET, ask
from kiosk.session.corrections import REASONS
from kiosk.session.decisions import DECISIONS

GOOD, BAD = 0, 1
_CONFIG = Path("/etc/pilepay/kiosk.toml")


def queue_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--flush", action="store_true", help="try everything again now")
    _common(p)
    p.set_defaults(run=_queue)


def review_arguments(p: argparse.ArgumentParser) -> None:
    commands = p.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="what waits for a person's decision")
    _common(listing)
    listing.set_defaults(run=_reviews)
    decide = commands.add_parser("decide", help="decide one")
    decide.add_argument("session")
    decide.add_argument("code", help="as `pilepay review list` names it, such as meter_unproven")
    decide.add_argument("decision", choices=DECISIONS)
    decide.add_argument("--kwh", help="with capture: the energy you take for proven, such as 12.345; left out, what the meter proves")
    _signed(decide)
    _common(decide)
    decide.set_defaults(run=_decide)


def refund_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("session")
    p.add_argument("--amount", help="such as 12.30; left out, all that is not yet paid back")
    p.add_argument("--command", help="a name of your own for this order: the same name is refunded once, however often it is given")
    _signed(p, f"one of {', '.join(REASONS)}")
    _common(p)
    p.set_defaults(run=_refund)


def _common(p: argparse.ArgumentParser) -> None:
    p.add_argument("--config", type=Path, default=_CONFIG)
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=argparse.SUPPRESS)
    p.add_argument("--json", action="store_true")


def _signed(p: argparse.ArgumentParser, reason: str = "why, in your words") -> None:
    p.add_argument("--by", required=True, metavar="NAME", help="who decides")
    p.add_argument("--reason", required=True, help=reason)


def _ordered(args: argparse.Namespace, order: dict[str, object]) -> dict[str, Any] | None:
    try:
        directory = load_config(args.config, overlay(args.set)).journal.directory
        return ask(directory / SOCKET, {name: value for name, value in order.items() if value is not None})
    except (ConfigError, OfficeError) as error:
        sys.stderr.write(f"{error}\n")
        return None


def _queue(args: argparse.Namespace) -> int:
    answer = _ordered(args, {"do": "flush" if args.flush else "queue"})
    if answer is None:
        return BAD
    rows = answer["queue"]
    if args.json:
        _say(json.dumps(rows))
    elif not rows:
        _say("nothing waits")
    else:
        for row in rows:
            amount = f" {row['amount']}" if row.get("amount") else ""
            words = f", last: {row['words']}" if row.get("words") else ""
            _say(f"{row['ref']}: {row['operation'] or row['kind']}{amount}, {row['age_s']} s old, {row['attempts']} attempts{words}")
    return GOOD


def _reviews(args: argparse.Namespace) -> int:
    answer = _ordered(args, {"do": "reviews"})
    if answer is None:
        return BAD
    rows = answer["reviews"]
    if args.json:
        _say(json.dumps(rows))
    elif not rows:
        _say("nothing waits for a decision in the sales this kiosk still holds; older ones: `pilepay journal reviews`")
    else:
        for row in rows:
            _say(f"{row['session']} at {row['connector']}: {row['code']} ({row['detail']}){', ALARM' if row['alarm'] else ''}")
    return GOOD


def _decide(args: argparse.Namespace) -> int:
    order = {"do": "decide", "session": args.session, "code": args.code, "decision": args.decision, "kwh": args.kwh}
    return _told(args, _ordered(args, {**order, "by": args.by, "reason": args.reason}))


def _refund(args: argparse.Namespace) -> int:
    command = args.command or secrets.token_hex(16)
    order = {"do": "refund", "session": args.session, "amount": args.amount, "by": args.by, "reason": args.reason, "command": command}
    return _told(args, _ordered(args, order))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _told(args: argparse.Namespace, answer: dict[str, Any] | None) -> int:
    if answer is None:
        return BAD
    if args.json:
        _say(json.dumps(answer))
    else:
        _say(f"done: {', '.join(answer['facts'])}")
    return GOOD
