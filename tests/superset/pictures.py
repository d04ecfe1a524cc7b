"""Makes the pictures of docs/images anew, of the Superset that runs: python -m tests.superset.pictures

Only of generated data: rows of the real marketplace may not be passed on.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from PIL import Image

from infra.local import environment
from tests.lakes import ROOT
from tests.superset.browser import LAPTOP, browser

ASSETS, IMAGES = ROOT / "superset" / "assets" / "dashboards", ROOT / "docs" / "images"
BOTTOM = "return document.querySelector('[data-test=grid-content]').getBoundingClientRect().bottom + window.scrollY"
# What is drawn when the window grows to the dashboard's height has come to rest.
STILL = "return [...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL().length).join()"


def main() -> None:
    settings = environment.load()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with browser(f"http://127.0.0.1:{settings['SUPERSET_PORT']}") as page:
        page.log_in(settings["SUPERSET_VIEWER_USER"], settings["SUPERSET_VIEWER_PASSWORD"])
        for file in sorted(ASSETS.glob("*.yaml")):
            charts = sum(len(row["row"]) for row in yaml.safe_load(file.read_text())["layout"])
            page.driver.set_window_size(*LAPTOP)
            page.dashboard(file.stem, charts)
            page.driver.set_window_size(LAPTOP[0], int(page.driver.execute_script(BOTTOM)) + 160)
            drawn: list[str] = []

            def still(drawn: list[str] = drawn) -> bool:
                drawn.append(page.driver.execute_script(STILL))
                return len(drawn) > 3 and len(set(drawn[-3:])) == 1

            page.until(still)
            picture = IMAGES / f"{file.stem}.png"
            page.driver.save_screenshot(str(picture))
            _compress(picture)


def _compress(picture: Path) -> None:
    with Image.open(picture) as whole:
        whole.convert("RGB").save(picture, optimize=True)


if __name__ == "__main__":
    main()
