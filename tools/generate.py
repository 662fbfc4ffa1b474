"""./yrd generate: makes anew what is generated: stubs, and when asked the promise and the READMEs.

The baseline is what `buf breaking` compares against. It moves only when someone says so: after a
release, or when a change that breaks callers is meant (say it in CHANGELOG.md).
"""

from __future__ import annotations

import argparse
import sys

from tools import protos, readme


def main() -> int:
    """Regenerate in place, removing stubs whose .proto is gone."""
    parser = argparse.ArgumentParser(
        prog="yrd generate", description="Compile protos/ into the committed Python stubs."
    )
    parser.add_argument(
        "--readme",
        action="store_true",
        help="also run the demo and put its output into the READMEs",
    )
    parser.add_argument(
        "--promise",
        action="store_true",
        help="also take the API as it is now for the one that later changes must not break",
    )
    chosen = parser.parse_args()
    before = protos.generated_in(protos.ROOT)
    ok, said = protos.buf("generate")
    if ok:
        for stub in before:
            source = (protos.ROOT / stub).with_name(stub.name.split("_pb2")[0] + ".proto")
            if not source.exists():
                (protos.ROOT / stub).unlink()
        stubs = len(protos.generated_in(protos.ROOT))
        print(f"{stubs} stubs from {len(protos.proto_files())} protos")
    if ok and chosen.promise:
        target = protos.BASELINE.relative_to(protos.HOME)
        ok, said = protos.buf("build", "--exclude-source-info", "-o", str(target))
        if ok:
            print(f"promised: later changes are compared with {target}")
    if ok and chosen.readme:
        readme.rewrite()
        print("the READMEs show what the demo prints")
    print(said, end="", file=sys.stderr)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
