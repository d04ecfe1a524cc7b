"""A headless Chromium that looks at Superset as a person does."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import yaml
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.lakes import ROOT

DASHBOARDS = {file.stem: yaml.safe_load(file.read_text()) for file in sorted((ROOT / "superset/assets/dashboards").glob("*.yaml"))}
PATIENCE = 60
LAPTOP = 1366, 768
HOLDER = ".dashboard-component-chart-holder"
# Of each chart: its title, whether it still loads (its frame may be there before anything is drawn in it), what it says, and
# whether that is an error.
CHARTS = f"""return [...document.querySelectorAll('{HOLDER}')].map(holder => {{
  const drawn = holder.querySelector('.slice_container'), error = !!holder.querySelector('.ant-alert-error');
  const text = (drawn || holder).innerText;
  const there = error || (drawn && (text.trim() || drawn.querySelector('canvas, svg')));
  return {{
    title: (holder.querySelector('[data-test="editable-title"], .header-title') || holder).innerText.trim(),
    loads: !there || !!holder.querySelector('[data-test="loading-indicator"], .loading'),
    text, error,
  }};
}})"""


def charts_of(slug: str) -> int:
    """How many charts a dashboard has."""
    return sum(len(row["row"]) for row in DASHBOARDS[slug]["layout"])


class Page:
    """A browser that is logged in, or not yet."""

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, path: str) -> None:
        self.driver.get(f"{self.url}{path}")

    def log_in(self, name: str, password: str) -> None:
        """Fills in the form and sends it, again where the page was not awake yet."""
        self.open("/login/")

        def logged_in() -> bool:
            if "/login" not in self.driver.current_url:
                return True
            for field, text in (("username", name), ("password", password)):
                held = self.driver.find_element(By.CSS_SELECTOR, f"#{field}")
                if held.get_attribute("value") != text:
                    held.clear()
                    held.send_keys(text)
            self.driver.find_element(By.CSS_SELECTOR, "[data-test='login-button']").click()
            return False

        self.until(logged_in)

    def dashboard(self, slug: str, charts: int, query: str = "") -> dict[str, dict]:
        """Opens a dashboard and waits for its charts, which are so many; what each shows, by title."""
        self.open(f"/superset/dashboard/{slug}/{query}")
        return self.charts(charts)

    def charts(self, charts: int) -> dict[str, dict]:
        def complete() -> list[dict] | None:
            found = self.driver.execute_script(CHARTS)
            return found if len(found) == charts and not any(chart["loads"] for chart in found) else None

        return {chart["title"]: chart for chart in self.until(complete)}

    def choose(self, label: str, value: str) -> None:
        """Chooses a value in a filter and applies it."""
        field = f"//*[@data-test='filter-control-name' and .='{label}']/following::input[1]"
        option = f"//*[contains(@class, 'ant-select-item-option') and @title='{value}']"
        for keys in (value, Keys.ENTER, Keys.ESCAPE):
            self._do(field, lambda found, keys=keys: found.send_keys(keys))
            if keys == value:
                self.until(lambda: self.driver.find_elements(By.XPATH, option))
        self._do("//button[@data-test='filter-bar__apply-button' and not(@disabled)]", lambda found: found.click())

    def _do(self, path: str, action: Callable[[WebElement], None]) -> None:
        """Does something with a part of the page as soon as the page lets it."""
        self.until(lambda: action(self.driver.find_element(By.XPATH, path)) or True)

    def until(self, question: Callable[[], object]) -> object:
        """The first answer that is true; asked again and again."""
        # What is not there yet, or is drawn anew just now, is asked for again.
        return WebDriverWait(self.driver, PATIENCE, ignored_exceptions=[WebDriverException]).until(lambda _: question())


@contextmanager
def browser(url: str) -> Iterator[Page]:
    """A page of laptop's width in a browser of its own."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        raise RuntimeError("these tests need Chromium and its driver (Debian: apt install chromium chromium-driver)")
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        f"--window-size={LAPTOP[0]},{LAPTOP[1]}",
    ):
        options.add_argument(argument)
    opened = Chrome(options=options, service=Service(driver))
    try:
        yield Page(opened, url)
    finally:
        opened.quit()
