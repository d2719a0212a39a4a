"""`pilepay queue`, `review` and `refund`: the operator's orders to a running kiosk, from its own command line."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from typing import Any

from kiosk.config.load import load_to_read, overlay
from kiosk.config.problems import ConfigError
from kiosk.core.office import OfficeError
from kiosk.core.office_link import SOCKET, ask
from kiosk.core.upstream import words

GOOD, BAD = 0, 1


def _ordered(args: argparse.Namespace, order: dict[str, object]) -> dict[str, Any] | None:
    try:
        directory = load_to_read(args.config, overlay(args.set)).journal.directory
        return ask(directory / SOCKET, {name: value for name, value in order.items() if value is not None})
    except (ConfigError, OfficeError) as error:
        sys.stderr.write(f"{error}\n")
        return None


def queue(args: argparse.Namespace) -> int:
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
            last = f", last: {row['words']}" if row.get("words") else ""
            _say(f"{row['ref']}: {row['operation'] or row['kind']}{amount}, {row['age_s']} s old, {row['attempts']} attempts{last}")
    if not args.json and (told := _ordered(args, {"do": "upstream_again" if args.flush else "upstream"})) and told["upstream"]:
        _say(words(told["upstream"])[0])
    return GOOD


def upstream(args: argparse.Namespace) -> int:
    answer = _ordered(args, {"do": "upstream_again" if args.again else "upstream"})
    if answer is None:
        return BAD
    told = answer["upstream"]
    if args.json:
        _say(json.dumps(told))
    else:
        for line in words(told) if told else ["the configuration names no system of the operator's: there is no [upstream] table"]:
            _say(line)
    return GOOD


def reviews(args: argparse.Namespace) -> int:
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


def decide(args: argparse.Namespace) -> int:
    order = {"do": "decide", "session": args.session, "code": args.code, "decision": args.decision, "kwh": args.kwh}
    return _told(args, _ordered(args, {**order, "by": args.by, "reason": args.reason}))


def stop(args: argparse.Namespace) -> int:
    return _told(args, _ordered(args, {"do": "stop", "session": args.session}))


def refund(args: argparse.Namespace) -> int:
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
