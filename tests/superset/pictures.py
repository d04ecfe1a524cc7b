"""Makes the pictures of docs/images anew, of the Superset that runs: python -m tests.superset.pictures

Only of generated data: rows of the real marketplace may not be passed on.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from infra.local import environment
from tests.lakes import ROOT
from tests.superset.browser import DASHBOARDS, LAPTOP, browser, charts_of

IMAGES = ROOT / "docs" / "images"
BOTTOM = "return document.querySelector('[data-test=grid-content]').getBoundingClientRect().bottom + window.scrollY"
# What is drawn when the window grows to the dashboard's height has come to rest.
STILL = "return [...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL().length).join()"


def main() -> None:
    settings = environment.load()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with browser(f"http://127.0.0.1:{settings['SUPERSET_PORT']}") as page:
        page.log_in(settings["SUPERSET_VIEWER_USER"], settings["SUPERSET_VIEWER_PASSWORD"])
        for slug in DASHBOARDS:
            page.driver.set_window_size(*LAPTOP)
            page.dashboard(slug, charts_of(slug))
            page.driver.set_window_size(LAPTOP[0], int(page.driver.execute_script(BOTTOM)) + 160)
            drawn: list[str] = []

            def still(drawn: list[str] = drawn) -> bool:
                drawn.append(page.driver.execute_script(STILL))
                return len(drawn) > 3 and len(set(drawn[-3:])) == 1

            page.until(still)
            picture = IMAGES / f"{slug}.png"
            page.driver.save_screenshot(str(picture))
            _compress(picture)


def _compress(picture: Path) -> None:
    with Image.open(picture) as whole:
        whole.convert("RGB").save(picture, optimize=True)


if __name__ == "__main__":
    main()
