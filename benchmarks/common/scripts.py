"""What the command lines of the benchmarks share: help that shows defaults, tables, the machine's name."""

from __future__ import annotations

import argparse
import platform
import sys
import time

import torch

DEMO_DATA = 'work_dirs/demo/data'
DEMO_SUPERNET = 'work_dirs/demo/supernet/iter_500.pth'


class _Formatter(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Keeps the lines of the docstring, and shows every default."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        # "(default: None)" and "(default: False)" would say nothing.
        if action.default is None or action.default is False or action.default == []:
            return action.help
        return super()._get_help_string(action)


def new_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the docstring of the script."""
    return argparse.ArgumentParser(description=doc, formatter_class=_Formatter)


def add_demo_data(parser: argparse.ArgumentParser, supernet: bool = True) -> None:
    """``--data`` and ``--supernet``, what ``make demo`` leaves behind by default."""
    parser.add_argument('--data', default=DEMO_DATA, help='folder in WIDER FACE layout')
    if supernet:
        parser.add_argument('--supernet', default=DEMO_SUPERNET, help='checkpoint of a supernet')


def print_row(*cells: object) -> None:
    """A row of a Markdown table, at once."""
    print(f'| {" | ".join(map(str, cells))} |', flush=True)


def print_head(*titles: str) -> None:
    """The first two lines of a Markdown table."""
    print_row(*titles)
    print('|---' * len(titles) + '|', flush=True)


def machine(device: str | None = None) -> str:
    """Date, torch, threads and device, to stand below what was measured."""
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    name = torch.cuda.get_device_name() if device == 'cuda' else f'CPU {platform.machine()}'
    day = time.strftime('%Y-%m-%d')
    return f'{day}, torch {torch.__version__}, {torch.get_num_threads()} threads, {name}'


def tell_progress(done: int, total: int, what: str, start: float) -> None:
    """Print to the error output how far long work is, and how long the rest will take.

    Args:
        done: how many of ``total``.
        total: of the work.
        what: is counted.
        start: of the work, by ``time.perf_counter``.
    """
    seconds = time.perf_counter() - start
    left = seconds / done * (total - done)
    text = f'    {done:,}/{total:,} {what}, {seconds:.0f} s, {left:.0f} s left'
    print(text, file=sys.stderr, flush=True)
