"""The command line: one entry for the kiosk's two processes, the demo and every tool of an installer or operator."""

from __future__ import annotations

import argparse
import logging
import os
import select
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from kiosk import __version__

log = logging.getLogger(__name__)

GOOD, BAD, WRONG_USE = 0, 1, 2
NOBODY_READS = 141  # as the shell calls a program that SIGPIPE ended
_CONFIG = Path("/etc/pilepay/kiosk.toml")
_A_CASE = (
    '{"tariff": {"currency": "EUR", "elements": [{"price_components": [{"type": "ENERGY", "price": 0.49, "step_size": 1}]}]},'
    ' "session": {"start": "2026-11-22T12:00:00Z", "end": "2026-11-22T13:00:00Z", "kwh": 20}, "time_zone": "Europe/Berlin"}'
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `pilepay`; the result is the exit code: 0 good, 1 the checked thing is bad, 2 wrong use.

    Whoever reads the output may have seen enough (`| head`): then the command ends without a word.
    """
    try:
        try:
            return _run(list(sys.argv[1:] if argv is None else argv))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _reader_left():
            raise
        return NOBODY_READS


def _reader_left() -> bool:
    """Whether it was our own output that broke. What is still to be written then goes nowhere, so that the end is quiet too."""
    try:
        output = sys.stdout.fileno()
    except OSError:  # no file
        return False
    watch = select.poll()
    watch.register(output, 0)
    if not watch.poll(0):  # POLLERR and POLLHUP are told unasked
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True


def _run(words: list[str]) -> int:
    if words[:1] == ["screen"]:  # its options are its own, and so is their help
        _log()
        return _run_screen(words[1:])
    args = _parser().parse_args(words)
    _log()
    code: int = args.run(args)
    return code


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pilepay", description="The payment kiosk of an EV charging pile.")
    parser.add_argument("--version", action="version", version=f"pilepay {__version__}")
    commands = _commands(parser)
    _demo(commands.add_parser("demo", help="everything on one machine, far ends simulated"))
    _core(commands.add_parser("core", help="the service: truth, money, devices"))
    commands.add_parser("screen", help="the touchscreen; `pilepay screen --help` tells its options")
    _check(commands.add_parser("check", help="validate the configuration without starting anything"))
    _tariff(commands.add_parser("tariff", help="price sessions, lint and explain tariffs"))
    _meter(commands.add_parser("meter", help="check signed meter values"))
    _journal(commands.add_parser("journal", help="show, verify and export what happened"))
    _queue(commands.add_parser("queue", help="what waits for an answer of the far ends; --flush tries it now"))
    _upstream(commands.add_parser("upstream", help="what the operator's own system has been told; --again tries the rest now"))
    _review(commands.add_parser("review", help="list and decide what a person must decide"))
    _stop(commands.add_parser("stop", help="end a charge, as the operator"))
    _refund(commands.add_parser("refund", help="pay back what was captured, with a credit note"))
    _receipt(commands.add_parser("receipt", help="a receipt or credit note as text, page, PDF or e-invoice"))
    _simulate(commands.add_parser("simulate", help="play sales in a simulated world with faults"))
    return parser


def _commands(p: argparse.ArgumentParser) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    """Its commands; named alone it tells them all."""
    p.set_defaults(run=lambda _: _told_which(p))
    return p.add_subparsers(metavar="COMMAND")


def _told_which(p: argparse.ArgumentParser) -> int:
    p.print_help(sys.stderr)
    return WRONG_USE


# --- the two processes --------------------------------------------------------------------------------------------------------


def _core(p: argparse.ArgumentParser) -> None:
    p.add_argument("--config", type=Path, default=_CONFIG)
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one key of the configuration, such as ocpp.port=9000")
    p.add_argument("--demo-clock", metavar="RATE:MONO_NS:UTC_MS", help="the demo's faster clock; only with every far end on loopback")
    p.set_defaults(run=_run_core)


def _run_core(args: argparse.Namespace) -> int:
    import asyncio

    from kiosk.config.load import load_config, overlay
    from kiosk.config.problems import ConfigError
    from kiosk.core.app import serve
    from kiosk.core.clock import ClockRefused, SystemClock, demo_clock
    from kiosk.core.upkeep import JournalUnsound
    from kiosk.journal.entry import JournalError

    try:
        config = load_config(args.config, overlay(args.set))
        clock = demo_clock(args.demo_clock, config) if args.demo_clock else SystemClock.real()
    except (ConfigError, ClockRefused) as error:
        print(error, file=sys.stderr)
        return BAD
    if problems := _unusable(args.config, args.set):
        print(*problems, sep="\n", file=sys.stderr)
        return BAD
    code = GOOD
    try:
        asyncio.run(serve(config, clock))
    except* (JournalError, JournalUnsound) as failed:
        for leaf in _leaves(failed):
            log.error("%s. Until then nothing is sold", str(leaf).rstrip("."))
        code = BAD
    return code


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _unusable(path: Path, settings: Sequence[str] = ()) -> list[str]:
    """What a configuration that reads well still cannot do: keys and certificates that no driver takes, languages without words."""
    from hardware.terminals.adyen.local import AdyenConfigError
    from kiosk.accounts.listed import AccountsError
    from kiosk.config.load import load_config, overlay
    from kiosk.config.problems import ConfigError
    from kiosk.core import parts, upstream
    from kiosk.core.clock import SystemClock
    from kiosk.payments.api import PaymentsError
    from kiosk.wording.languages import LANGUAGES

    config = load_config(path, overlay(settings))
    there_are = ", ".join(LANGUAGES)
    unspoken = [code for code in config.site.languages if code not in LANGUAGES]
    problems = [f"{path.name}: site.languages: there are no words for {code!r}, only for {there_are}" for code in unspoken]
    for part in (parts.terminal, parts.acquirer, parts.asker):
        try:
            part(config, SystemClock.real())
        except (AdyenConfigError, PaymentsError, ConfigError, OSError, ValueError) as error:
            problems.append(f"{path.name}: {error}")
    try:
        parts.accounts(config)
    except AccountsError as error:
        problems += str(error).splitlines()
    for told in (parts.webhooks, parts.recognition_key, upstream.terms):
        try:
            told(config)
        except (PaymentsError, ConfigError, ValueError) as error:
            problems.append(f"{path.name}: {error}")
    return problems


def _run_screen(options: Sequence[str]) -> int:
    try:
        from kiosk.screen.app import run
    except ImportError as error:
        print(f"The screen needs PySide6-Essentials, which could not be loaded: {error}", file=sys.stderr)
        return BAD
    return run(options)


def _demo(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--tour", type=Path, metavar="DIR", help="a scripted visit without a display; leaves journal.db, pages/*.png, receipt.png"
    )
    p.add_argument("--fast", action="store_true", help="a faster clock")
    p.set_defaults(run=_run_demo)


def _run_demo(args: argparse.Namespace) -> int:
    from kiosk.simulation.demo import demo

    return demo(args.tour, fast=args.fast)


# --- tools --------------------------------------------------------------------------------------------------------------------


def _check(p: argparse.ArgumentParser) -> None:
    p.add_argument("--config", type=Path, default=_CONFIG)
    p.set_defaults(run=_run_check)


def _run_check(args: argparse.Namespace) -> int:
    from kiosk.config.load import check

    problems: list[object] = [*check(args.config)] or [*_unusable(args.config)]
    for problem in problems:
        print(problem)
    if not problems:
        print(f"{args.config}: good")
        _tell_upstream(args.config)
    return BAD if problems else GOOD


def _tell_upstream(path: Path) -> None:
    """How it stands with the operator's own system, where there is one."""
    from kiosk.config.load import load_config
    from kiosk.core import upstream
    from kiosk.core.office import OfficeError
    from kiosk.core.office_link import SOCKET, ask

    config = load_config(path)
    if config.upstream is None:
        return
    try:
        told = ask(config.journal.directory / SOCKET, {"do": "upstream"})["upstream"]
    except OfficeError:
        print(f"operator's system {config.upstream.url} as {config.upstream.identity}: not known, the kiosk does not run")
    else:
        print(upstream.words(told)[0] if told else "operator's system: the kiosk that runs has not read this configuration yet")


def _queue(p: argparse.ArgumentParser) -> None:
    p.add_argument("--flush", action="store_true", help="try everything again now")
    _at_kiosk(p)
    p.set_defaults(run=lambda args: _ordered("queue", args))


def _upstream(p: argparse.ArgumentParser) -> None:
    p.add_argument("--again", action="store_true", help="connect and send now, also what was set aside; remarks are taken as read")
    _at_kiosk(p)
    p.set_defaults(run=lambda args: _ordered("upstream", args))


def _review(p: argparse.ArgumentParser) -> None:
    commands = _commands(p)
    listing = commands.add_parser("list", help="what waits for a person's decision")
    _at_kiosk(listing)
    listing.set_defaults(run=lambda args: _ordered("reviews", args))
    decide = commands.add_parser("decide", help="decide one")
    decide.add_argument("session")
    decide.add_argument("code", help="as `pilepay review list` names it, such as meter_unproven")
    decide.add_argument("decision", help="capture, release, retry or settled")
    decide.add_argument("--kwh", help="with capture: the energy you take for proven, such as 12.345; left out, what the meter proves")
    _signed(decide, "why, in your words")
    _at_kiosk(decide)
    decide.set_defaults(run=lambda args: _ordered("decide", args))


def _stop(p: argparse.ArgumentParser) -> None:
    p.add_argument("session")
    _at_kiosk(p)
    p.set_defaults(run=lambda args: _ordered("stop", args))


def _refund(p: argparse.ArgumentParser) -> None:
    p.add_argument("session")
    p.add_argument("--amount", help="such as 12.30; left out, all that is not yet paid back")
    p.add_argument("--command", help="a name of your own for this order: the same name is refunded once, however often it is given")
    _signed(p, "one of not_delivered, price, fault, goodwill, dispute, other")
    _at_kiosk(p)
    p.set_defaults(run=lambda args: _ordered("refund", args))


def _at_kiosk(p: argparse.ArgumentParser) -> None:
    p.add_argument("--config", type=Path, default=_CONFIG)
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=argparse.SUPPRESS)
    p.add_argument("--json", action="store_true")


def _signed(p: argparse.ArgumentParser, reason: str) -> None:
    p.add_argument("--by", required=True, metavar="NAME", help="who decides")
    p.add_argument("--reason", required=True, help=reason)


def _ordered(order: str, args: argparse.Namespace) -> int:
    from kiosk.core import office_cli

    orders = {
        "stop": office_cli.stop,
        "queue": office_cli.queue,
        "upstream": office_cli.upstream,
        "reviews": office_cli.reviews,
        "decide": office_cli.decide,
        "refund": office_cli.refund,
    }
    return orders[order](args)


def _receipt(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", help="the sale, in full or by the end of its name")
    p.add_argument("--credit-note", type=int, metavar="NUMBER", help="this credit note of the sale instead of its receipt")
    p.add_argument(
        "--format", choices=("text", "html", "pdf", "invoice", "xml"), default="text", help="invoice: PDF with EN 16931 data inside"
    )
    p.add_argument("--language", help="an ISO 639 code; left out, the driver's own")
    p.add_argument("--out", type=Path, metavar="FILE", help="left out, the terminal (text and html)")
    p.add_argument("--company", help="the buyer's legal name; invoice and xml need it")
    p.add_argument("--company-address", default="", metavar="LINES", help="its lines, divided by semicolons")
    p.add_argument("--company-country", default="", metavar="XX", help="ISO 3166, such as DE")
    p.add_argument("--company-vat", default="", help="its VAT number")
    p.add_argument("--config", type=Path, default=_CONFIG)
    p.set_defaults(run=_run_receipt)


def _run_receipt(args: argparse.Namespace) -> int:
    from kiosk.core.receipt_cli import run

    return run(args)


def _tariff(p: argparse.ArgumentParser) -> None:
    commands = _commands(p)
    price = commands.add_parser(
        "price",
        help="what a session costs: one JSON object on the standard input, its price on the standard output",
        description="Reads {tariff, session, time_zone} as JSON from the standard input; writes {excl, incl, total, currency, lines}.",
        epilog=f"example: echo '{_A_CASE}' | pilepay tariff price",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    price.add_argument("--jsonl", action="store_true", help="one session a line")
    price.add_argument("--rules", type=Path, metavar="FILE", help="a dry run: the price under these discounts, and the difference")
    price.set_defaults(run=_run_price)
    compare = commands.add_parser("compare", help="a dry run: what the sales of a journal would have cost under other discounts or prices")
    compare.add_argument("journal", type=Path, nargs="?", default=Path("/var/lib/pilepay/journal.db"))
    compare.add_argument("--rules", type=Path, metavar="FILE", help="the discounts, as a JSON list; left out, each sale's own")
    compare.add_argument("--tariff", type=Path, metavar="FILE", help="the tariff; left out, each sale's own")
    compare.add_argument("--since", metavar="WHEN", help="a day or a moment of UTC, such as 2026-11-22 or 2026-11-22T14:30")
    compare.add_argument("--json", action="store_true")
    compare.set_defaults(run=_run_compare)
    lint = commands.add_parser("lint", help="what a tariff does that it should not")
    lint.add_argument("file", type=Path)
    lint.add_argument("--profile", default="eu", metavar="P", help="whose rules: eu50, eu, de, uk, us, ca, or several with commas (eu)")
    lint.set_defaults(run=_run_lint)
    explain = commands.add_parser("explain", help="a tariff of OCPI 2.1.1, 2.2.1, 2.3.0 or OCPP 2.1 in plain sentences")
    explain.add_argument("file", type=Path)
    explain.add_argument("--language", default="en", metavar="L")
    explain.add_argument("--zone", default="UTC", help="the time zone of the site, for what applies now")
    explain.add_argument("--json", action="store_true")
    explain.set_defaults(run=_run_explain)


def _run_price(args: argparse.Namespace) -> int:
    from kiosk.pricing import cli

    if sys.stdin is not None and sys.stdin.isatty():
        print("type or paste {tariff, session, time_zone} as JSON, then Ctrl-D", file=sys.stderr)
    return cli.price(getattr(sys.stdin, "buffer", None), sys.stdout, sys.stderr, jsonl=args.jsonl, rules=args.rules)


def _run_compare(args: argparse.Namespace) -> int:
    from kiosk.core import tariff_cli

    return tariff_cli.run(args, sys.stdout, sys.stderr)


def _run_lint(args: argparse.Namespace) -> int:
    from kiosk.pricing import cli

    return cli.lint(args.file, args.profile, sys.stdout, sys.stderr)


def _run_explain(args: argparse.Namespace) -> int:
    from kiosk.core.clock import SystemClock
    from kiosk.wording import cli

    now = SystemClock.real().now().utc_ms
    return cli.explain_file(args.file, args.language, args.zone, now, sys.stdout, sys.stderr, as_json=args.json)


def _meter(p: argparse.ArgumentParser) -> None:
    commands = _commands(p)
    verify = commands.add_parser("verify", help="check signed meter values: OCMF, OCPP, or the transparency software's XML")
    verify.add_argument("file", type=Path)
    verify.add_argument(
        "--public-key", metavar="K", help="the meter's public key: file or text; without it the one beside each value is used"
    )
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(run=_run_meter)


def _run_meter(args: argparse.Namespace) -> int:
    from kiosk.metering import cli

    key: str | bytes | None = args.public_key
    with suppress(OSError, ValueError):  # no file: the key itself
        key = Path(args.public_key).read_bytes() if args.public_key else key
    return cli.verify(args.file, key, sys.stdout, sys.stderr, as_json=args.json)


def _journal(p: argparse.ArgumentParser) -> None:
    commands = _commands(p)
    show = commands.add_parser("show", help="what happened, one fact a line")
    show.add_argument("file", type=Path, nargs="?", default=Path("/var/lib/pilepay/journal.db"))
    show.add_argument("--stream", help="only one session, or `kiosk`")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=_run_show)
    sales = commands.add_parser("sales", help="the sales, one a line: energy, price, how the money stands, receipt, card")
    sales.add_argument("file", type=Path, nargs="?", default=Path("/var/lib/pilepay/journal.db"))
    sales.add_argument("--since", metavar="WHEN", help="a day or a moment of UTC, such as 2026-11-22 or 2026-11-22T14:30")
    sales.add_argument("--json", action="store_true")
    sales.set_defaults(run=_run_sales)
    reviews = commands.add_parser("reviews", help="what a person has to decide, or has decided, one a line")
    reviews.add_argument("file", type=Path, nargs="?", default=Path("/var/lib/pilepay/journal.db"))
    reviews.add_argument("--json", action="store_true")
    reviews.set_defaults(run=_run_reviews)
    verify = commands.add_parser("verify", help="check the chain and the checkpoints of a journal, or the bundle of one sale")
    verify.add_argument("file", type=Path, nargs="?", default=Path("/var/lib/pilepay/journal.db"))
    verify.add_argument("--key", help="the public key: file or text")
    verify.add_argument("--checkpoint", help="a checkpoint stated elsewhere: file, text, or its short form from a receipt")
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(run=_run_verify)
    export = commands.add_parser("export", help="one sale with its proofs as a file that `verify` accepts on any machine")
    export.add_argument("out", type=Path, metavar="OUT", help="the new file, such as sale.zip")
    export.add_argument("--session", required=True, help="the sale, by its name or the end of it")
    export.add_argument("--journal", type=Path, default=Path("/var/lib/pilepay/journal.db"))
    export.add_argument("--checkpoint", help="one that the bundle must be comparable with: file, text, or its short form from a receipt")
    export.add_argument("--evidence", action="store_true", help="with what identifies people, as far as it is still kept")
    export.add_argument("--json", action="store_true")
    export.set_defaults(run=_run_export)


def _run_show(args: argparse.Namespace) -> int:
    from kiosk.journal import cli

    return cli.show(args.file, sys.stdout, stream=args.stream, as_json=args.json)


def _run_sales(args: argparse.Namespace) -> int:
    from kiosk.journal import cli

    return cli.sales(args.file, sys.stdout, since=args.since, as_json=args.json)


def _run_reviews(args: argparse.Namespace) -> int:
    from kiosk.journal import cli

    return cli.reviews(args.file, sys.stdout, as_json=args.json)


def _run_verify(args: argparse.Namespace) -> int:
    from kiosk.journal import cli

    return cli.verify_journal(args.file, sys.stdout, key=args.key, checkpoint=args.checkpoint, as_json=args.json)


def _run_export(args: argparse.Namespace) -> int:
    from kiosk.journal import cli

    return cli.export(
        args.journal, args.session, args.out, sys.stdout, checkpoint=args.checkpoint, evidence=args.evidence, as_json=args.json
    )


def _simulate(p: argparse.ArgumentParser) -> None:
    p.add_argument("--sessions", type=int, default=1_000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--mutant", help="a deliberate bug the checker must catch; `list` names them")
    p.add_argument("--json", action="store_true")
    p.add_argument("--jobs", type=int, default=1, help="processes that share the work; the result is the same")
    p.add_argument("--keep", type=Path, metavar="FILE", help="keep the report so far there; a run that was broken off goes on from it")
    p.set_defaults(run=_run_simulate)


def _run_simulate(args: argparse.Namespace) -> int:
    from kiosk.simulation import cli

    return cli.simulate(args.sessions, args.seed, args.mutant, sys.stdout, as_json=args.json, jobs=args.jobs, keep=args.keep)


if __name__ == "__main__":
    sys.exit(main())
