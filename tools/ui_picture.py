"""The tutorial's picture of Prefect's UI: run its flow with a real server, and photograph the page.

    python tools/ui_picture.py        writes docs/images/flow-run.png

It needs Chromium: `apt-get install chromium`, or any browser of that family on the path.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

CHECKOUT = Path(__file__).parents[1]
PICTURE = CHECKOUT / "docs/images/flow-run.png"
PATIENCE = 300.0


def main() -> None:
    """Write the picture."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("ui_picture.py: needs Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as url:
        write_flow(Path(folder))
        run = {**os.environ, "PREFECTX": "prefect.cache", "PREFECT_API_URL": f"{url}/api"}
        command = [sys.executable, "winds.py"]
        subprocess.run(command, cwd=folder, env=run, check=True)
        # The second run has both: calls whose output was there, and one that was made again.
        (Path(folder) / "working/mean/month-3.json").unlink()
        subprocess.run(command, cwd=folder, env=run, check=True)
        take_picture(browser, f"{url}/runs/flow-run/{latest_run(url)}", Path(folder))


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Start a server whose data ends with the folder; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    variables = {
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_UI_API_URL": f"{url}/api",
    }
    with subprocess.Popen(command, cwd=folder, env={**os.environ, **variables}) as process:
        try:
            wait_for(f"{url}/api/health")
            yield url
        finally:
            process.terminate()


def wait_for(address: str) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            httpx.get(address).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def write_flow(folder: Path) -> None:
    """Write the tutorial's script, as it is when its section on Prefect begins."""
    before, _, _ = (CHECKOUT / "docs/tutorial.md").read_text().partition("## 5. ")
    found = re.search(r"<!-- test: file winds\.py -->\n```python\n(.*?)```", before, re.DOTALL)
    if found is None:
        sys.exit("ui_picture.py: docs/tutorial.md has no script winds.py before its section 5")
    (folder / "winds.py").write_text(found[1])
    for edit in re.findall(r"^\$ (sed -i .* winds\.py)$", before, re.MULTILINE):
        subprocess.run(["/bin/sh", "-c", edit], cwd=folder, check=True)


def latest_run(url: str) -> str:
    """Return the id of the newest flow run."""
    asked = {"sort": "START_TIME_DESC", "limit": 1}
    found = httpx.post(f"{url}/api/flow_runs/filter", json=asked).raise_for_status().json()
    return str(found[0]["id"])


def take_picture(browser: str, address: str, folder: Path) -> None:
    """Photograph a page when its scripts have drawn it."""
    PICTURE.parent.mkdir(exist_ok=True)
    options = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        f"--user-data-dir={folder / 'browser'}",
        "--window-size=1280,900",
        "--virtual-time-budget=60000",
        f"--screenshot={PICTURE}",
    ]
    subprocess.run([browser, *options, address], check=True)


if __name__ == "__main__":
    main()
