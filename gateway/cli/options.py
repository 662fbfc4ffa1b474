"""选项: the options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option("--data", envvar="YRD_DATA", metavar="DIR", help="Data directory (数据目录)."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Follow = Annotated[bool, typer.Option("--follow-stdin", hidden=True)]
Target = Annotated[
    str, typer.Option("--target", metavar="HOST:PORT", help="A gateway that runs elsewhere.")
]
Tls = Annotated[
    Path | None,
    typer.Option(
        "--tls",
        metavar="DIR",
        help="With --target: ca.pem and, per institution, CODE.pem and CODE.key.",
    ),
]
PlatformCa = Annotated[
    Path | None, typer.Option("--ca", metavar="FILE", help="With --url: its CA, PEM.")
]
OurCertificate = Annotated[
    Path | None,
    typer.Option("--certificate", metavar="FILE", help="With --url: what we show it, PEM."),
]
OurKey = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="Of that certificate, PEM.")
]
