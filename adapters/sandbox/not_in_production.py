"""不进生产: where a stand-in platform refuses to run.

By the environment and by the settings of the directory it was pointed at. The settings are the
gateway's, of which one line is read here, by code of this folder's own.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

SETTINGS = "yrd.toml"


class NotInProduction(RuntimeError):
    """A stand-in platform was asked to run where real people are settled."""


def refuse_production(state_dir: Path) -> None:
    """Raises NotInProduction, naming what says so. The state lies in DIR/sandbox or in DIR."""
    if os.environ.get("YRD_ENVIRONMENT") == "production":
        raise NotInProduction("仿真平台不在生产环境运行:环境变量 YRD_ENVIRONMENT=production。")
    for directory in (state_dir, state_dir.absolute().parent):
        settings = directory / SETTINGS
        if settings.is_file():
            _refuse(settings)


def _refuse(settings: Path) -> None:
    try:
        said = tomllib.loads(settings.read_text(encoding="utf-8")).get("environment")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NotInProduction(
            f"{settings} 无法读取({error}),不能确认不是生产环境,仿真平台不启动。"
        ) from error
    if said == "production":
        raise NotInProduction(
            f'仿真平台不在生产环境运行:{settings} 写着 environment = "production"。请另用数据目录。'
        )
