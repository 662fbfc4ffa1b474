"""A gateway in a process of its own, so that a test can kill it. Run: python -m … SETTINGS
PORT_FILE"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from gateway.bootstrap import serve
from gateway.config import RegionSettings, load_settings


def main() -> None:
    settings_file, urls_file, port_file = (Path(arg) for arg in sys.argv[1:4])
    urls = json.loads(urls_file.read_text())
    settings = load_settings(settings_file)
    regions: dict[str, RegionSettings] = {
        code: region.model_copy(update={"base_url": urls[code]})
        for code, region in settings.regions.items()
    }
    alone = {"witnesses": {}, "quorum": 0}
    settings = settings.model_copy(update={"listen": "127.0.0.1:0", "regions": regions} | alone)

    def announce(port: int) -> None:
        draft = port_file.with_suffix(".new")
        draft.write_text(str(port))
        draft.replace(port_file)

    asyncio.run(serve(settings, announce=announce))


if __name__ == "__main__":
    main()
