"""Measure pydock beside virtualenv, venv, pip, uv and plain docker: `make bench`, or `make bench ONLY=install`.

Both sides of a row run in turn, round by round, and the ratio is taken round by round. Nothing is skipped that the
other side does: installs are counted with the first two imports of what they installed, so with their bytecode.
Writes bench/results/*.md, the 150 installs and their picture included. Empties the engine's build cache, for what is
measured with nothing cached.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cases import CASES
from growth import measure_growth
from image_size import measure_size
from workbench import CHECKOUT, HEAD, Workbench, measure

RESULTS = CHECKOUT / "bench" / "results"
PARTS = (*dict.fromkeys(case.part for case in CASES), "size", "growth")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "only", nargs="*", choices=[[], *PARTS], help=f"parts: {', '.join(PARTS)}; all without"
    )
    parts = parser.parse_args().only or PARTS
    subprocess.run([str(CHECKOUT / "scripts" / "engine.sh")], check=True)
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"  # the same Python on both sides
    asked = [str(CHECKOUT / "scripts" / "offline" / "base-image.sh"), "--nearest", ours]
    version = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    bench = Workbench(Path(tempfile.mkdtemp(prefix="pydock-bench-")), version)
    RESULTS.mkdir(exist_ok=True)
    try:
        bench.install_competitors()
        for part in parts:
            if part == "growth":
                lines = measure_growth(bench, RESULTS)
            elif part == "size":
                lines = measure_size(bench)
            else:
                print(HEAD, flush=True)
                lines = [HEAD]
                for case in CASES:
                    if case.part == part:
                        lines.append(str(measure(case, bench)))
                        print(lines[-1], flush=True)
            (RESULTS / f"{part}.md").write_text("\n".join([circumstances(), "", *lines]) + "\n")
            bench.forget_all()  # the next part counts the environments that it makes
    finally:
        bench.clean()


def circumstances() -> str:
    engine = ["docker", "version", "--format", "{{.Server.Version}}"]
    docker = subprocess.run(engine, capture_output=True, text=True, check=False).stdout.strip()
    today = datetime.now(timezone.utc).date().isoformat()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{today}, {machine}, Docker {docker}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
