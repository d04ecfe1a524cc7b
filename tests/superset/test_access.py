"""Who may do what: a stranger nothing, a viewer look, an analyst change; and what was changed comes back to the files."""

from __future__ import annotations

import shutil
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from selenium.webdriver.common.by import By

from infra.local import environment
from lake.settings import ROOT
from tests.superset.browser import browser

sys.path.append(str(ROOT / "superset"))
import export  # noqa: E402

ASSETS = ROOT / "superset" / "assets"
BUTTON = "[data-test='edit-dashboard-button'], [aria-label='Edit dashboard']"


@pytest.fixture
def chart(charts) -> str:
    """Where the chart is that is tried to change."""
    return f"/api/v1/chart/{charts['Payment mix']}"


@pytest.fixture
def files(tmp_path):
    return shutil.copytree(ASSETS, tmp_path / "assets")


def refusal(question) -> int:
    with pytest.raises(HTTPError) as refused:
        question()
    return refused.value.code


def test_an_export_after_the_import_changes_no_file(sessions, files):
    assert export.export(files) == []


def test_a_stranger_is_asked_to_log_in_and_gets_no_data(superset, chart):
    url = f"http://127.0.0.1:{superset['SUPERSET_PORT']}"
    with browser(url) as page:
        page.open("/superset/dashboard/overview/")
        page.until(lambda: "/login" in page.driver.current_url)
        assert not page.driver.find_elements(By.CSS_SELECTOR, ".dashboard-component-chart-holder")
    for path in (f"{chart}/data/", chart, "/api/v1/dashboard/", "/api/v1/assets/export/"):
        assert refusal(lambda path=path: urlopen(Request(f"{url}{path}"))) == 401


def test_a_viewer_changes_nothing(sessions, viewer, chart):
    ask = sessions["VIEWER"].ask
    assert refusal(lambda: ask(chart, {"description": "mine"}, "PUT")) == 403
    assert refusal(lambda: ask(chart, method="DELETE")) == 403
    assert refusal(lambda: ask("/api/v1/dashboard/", {"dashboard_title": "mine"})) == 403
    assert refusal(lambda: ask("/api/v1/sqllab/execute/", {"database_id": 1, "sql": "select 1"})) == 403
    assert refusal(lambda: ask("/api/v1/assets/export/")) == 403
    viewer.open("/superset/dashboard/overview/")
    viewer.until(lambda: viewer.driver.find_elements(By.CSS_SELECTOR, ".dashboard-component-chart-holder"))
    assert not viewer.driver.find_elements(By.CSS_SELECTOR, BUTTON)


def test_an_analyst_changes_a_chart_and_the_export_writes_one_line(superset, sessions, chart, files):
    with browser(f"http://127.0.0.1:{superset['SUPERSET_PORT']}") as page:
        page.log_in(superset["SUPERSET_ANALYST_USER"], superset["SUPERSET_ANALYST_PASSWORD"])
        page.open("/superset/dashboard/overview/")
        page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, BUTTON))
    ask = sessions["ANALYST"].ask
    ask(chart, {"description": "Instalments count once"}, "PUT")
    try:
        assert export.export(files) == [files / "charts" / "sales_payments.yaml"]
        before, after = ((folder / "charts" / "sales_payments.yaml").read_text().splitlines() for folder in (ASSETS, files))
        assert [line for line in after if line not in before] == ["description: Instalments count once"]
    finally:
        ask(chart, {"description": ""}, "PUT")
    assert export.export(files) == [files / "charts" / "sales_payments.yaml"]
    assert (files / "charts" / "sales_payments.yaml").read_text() == (ASSETS / "charts" / "sales_payments.yaml").read_text()


def test_superset_keeps_no_password_of_a_store(superset, servers):
    kept = (servers / "data" / "superset" / "superset.db").read_bytes()
    for name, setting in ((s.name, superset[s.name]) for s in environment.SETTINGS if s.secret):
        assert setting.encode() not in kept, name
