"""Compare pydock with virtualenv, venv, pip, uv and plain docker: `make bench`, or `make bench ONLY=install`.

Each round runs pydock and the other tool one after the other and yields one ratio. Both do the same work: the time of
an install includes bytecode compilation and the first two imports. Writes bench/results/*.md and the chart of 150
installs. Clears the engine's build cache, because some installs are measured without a cache.
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
from harness import CHECKOUT, HEADER, Harness, measure
from image_size import measure_size
from warm_cases import WARM_CASES

RESULTS = CHECKOUT / "bench" / "results"
ALL_CASES = [*CASES, *WARM_CASES]
PARTS = (*dict.fromkeys(case.part for case in ALL_CASES), "size", "growth")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "only", nargs="*", choices=[[], *PARTS], help=f"what to measure: {', '.join(PARTS)} (default: all)"
    )
    parts = parser.parse_args().only or PARTS
    subprocess.run([sys.executable, str(CHECKOUT / "scripts" / "single_file" / "build.py")], check=True)
    subprocess.run([str(CHECKOUT / "scripts" / "engine.sh")], check=True)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"  # the version that the other tools use
    command = [str(CHECKOUT / "scripts" / "offline" / "base-image.sh"), "--nearest", python]
    version = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    harness = Harness(Path(tempfile.mkdtemp(prefix="pydock-bench-")), version)
    RESULTS.mkdir(exist_ok=True)
    try:
        harness.install_other_tools()
        for part in parts:
            if part == "growth":
                lines = measure_growth(harness, RESULTS)
            elif part == "size":
                lines = measure_size(harness)
            else:
                print(HEADER, flush=True)
                lines = [HEADER]
                for case in ALL_CASES:
                    if case.part == part:
                        lines.append(str(measure(case, harness)))
                        print(lines[-1], flush=True)
            (RESULTS / f"{part}.md").write_text("\n".join([describe_system(), "", *lines]) + "\n")
            harness.delete_environments()  # the next part counts its environments
    finally:
        harness.clean()


def describe_system() -> str:
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    docker = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    today = datetime.now(timezone.utc).date().isoformat()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{today}, {machine}, Docker {docker}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
