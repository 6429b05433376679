"""Each person's work in a real browser, and nothing serious for axe on any page.

Needs Chromium (`apt-get install chromium`); without it these tests are skipped, and say so. With `CONSOLE_SHOTS=1` they
also make the pictures of docs/console.md.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import REPOSITORY
from tests.console.browsing import Running, running_console
from tests.console.site import PASSWORD

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
SHOTS = REPOSITORY / "docs" / "console"
JUDGED = 3
TODAY = datetime.now(UTC).date()
QUARTER = (str(TODAY - timedelta(days=89)), str(TODAY))

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="NO BROWSER: install Chromium (apt-get install chromium)")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One console for all."""
    with running_console(tmp_path_factory.mktemp("browser")) as console:
        yield console


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def signed_in(browser: Browser, running: Running, name: str, *, dark: bool = False) -> Page:
    """A page of somebody's own."""
    context = browser.new_context(color_scheme="dark" if dark else "light", viewport={"width": 1200, "height": 800})
    page = context.new_page()
    page.goto(f"{running.url}/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()
    return page


def test_the_decision_behind_a_complaint_is_found_in_three_clicks(browser: Browser, running: Running) -> None:
    """Somebody of the clinic complained about the triage app of yesterday."""
    page = signed_in(browser, running, "vera")
    page.get_by_role("link", name="Decisions").click()
    page.get_by_label("App").fill("triage")
    page.get_by_label("Reason code").fill("PHI")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=running.complaint).click()

    told = page.inner_text("main")
    assert "Kept inside because one high-confidence MEDICAL_RECORD_NUMBER in message 3" in told
    assert "rules phi-stays-inside and restricted-stays-inside (PHI), policy revision 1." in told
    assert "Green: proven" in told


def test_a_sample_is_signed_off_by_two_people(browser: Browser, running: Running) -> None:
    """One judges what was drawn, the other one signs."""
    rosa, rene = (signed_in(browser, running, name) for name in ("rosa", "rene"))
    rosa.get_by_role("link", name="Review").click()
    rosa.get_by_role("button", name="Draw a sample").click()
    sample = rosa.url
    links = [each.get_attribute("href") or "" for each in rosa.locator("td a.id").all()]
    assert len(links) > JUDGED
    for link in links[:JUDGED]:
        rosa.goto(running.url.removesuffix("/console") + link)
        rosa.get_by_role("button", name="Judge").click()
    rene.goto(sample)
    rene.get_by_role("button", name="Sign off what others judged").first.click()

    assert rene.url.endswith("state=done")
    assert rene.locator("td a.id").count() == JUDGED


def test_a_quarter_is_proven_and_handed_over(browser: Browser, running: Running) -> None:
    """Two dates, one button, one download."""
    page = signed_in(browser, running, "ada")
    page.get_by_role("link", name="Reports").click()
    page.get_by_label("From").fill(QUARTER[0])
    page.get_by_label("Up to and with").fill(QUARTER[1])
    page.get_by_role("button", name="Prove it").click()
    assert "SOUND." in page.inner_text("main")
    with page.expect_download() as download:
        page.get_by_role("link", name="Evidence bundle").click()

    assert download.value.suggested_filename.startswith("evidence-")
    page.emulate_media(media="print")
    assert page.get_by_text("SOUND.").is_visible()
    for each in ("Prove it", "Sign out", "Evidence bundle"):
        assert not page.get_by_text(each).first.is_visible(), each


def test_a_visitor_can_jump_over_the_header_by_keyboard(browser: Browser, running: Running) -> None:
    """The first tab stop skips to the page."""
    page = signed_in(browser, running, "vera")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main"


PAGES = (
    ("overview", "/", "alf"),
    ("decisions", "/decisions", "rosa"),
    ("decision", "/decisions/{complaint}", "rosa"),
    ("review", "/review", "rosa"),
    ("policies", "/policies", "pia"),
    ("compare", "/policies/compare?old=in+force&new=in+force&days=90", "pia"),
    ("report", f"/reports?since={QUARTER[0]}&until={QUARTER[1]}", "ada"),
    ("access", "/access", "ada"),
    ("administration", "/administration", "alf"),
    ("why", "/why", "alf"),
    ("refused", "/nowhere", "alf"),
)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(browser: Browser, running: Running, dark: bool) -> None:
    """Nor does any page overflow sideways; pictures are taken where they are asked for."""
    people: dict[str, Page] = {}
    wrong: dict[str, list[str]] = {}
    for name, path, who in PAGES:
        page = people.get(who) or people.setdefault(who, signed_in(browser, running, who, dark=dark))
        page.goto(running.url + path.format(complaint=running.complaint))
        wrong[name] = serious(page)
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong[name].append("overflows")
        if os.environ.get("CONSOLE_SHOTS") and name != "refused" and dark is (name == "decision"):
            SHOTS.mkdir(exist_ok=True)
            page.screenshot(path=SHOTS / f"{name}.png", clip={"x": 0, "y": 0, "width": 1200, "height": 800})

    assert {name: [] for name, _, _ in PAGES} == wrong


def serious(page: Page) -> list[str]:
    """What axe finds that keeps somebody out."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found if each["impact"] in {"serious", "critical"}
    ]


def test_the_overview_turns_red_when_a_row_is_altered(browser: Browser, running: Running) -> None:
    """Without a command; nobody has to look at that decision. The ledger is not sound afterwards."""
    page = signed_in(browser, running, "ada")
    light_of(page, "green")
    running.house.change("UPDATE records SET tenant = 'other' WHERE decision_id = :id", id=running.complaint)
    light_of(page, "red")

    assert "the ledger is not what was signed" in page.inner_text("main")


def light_of(page: Page, wanted: str) -> None:
    """Have the ledger verified, and wait until the overview shows what that came to."""
    page.get_by_role("button", name="Verify now").click()
    for _ in range(600):
        if page.locator(f".light.{wanted}").count() and "was asked for" not in page.inner_text(".light"):
            return
        page.reload()
    raise AssertionError(wanted)


def test_the_proof_turns_red_when_a_row_is_altered(browser: Browser, running: Running) -> None:
    """The last test: the ledger is not sound afterwards."""
    page = signed_in(browser, running, "ada")
    page.goto(f"{running.url}/decisions/{running.complaint}")
    assert page.locator(".light.green").count() == 1
    running.house.alter(running.complaint, "triage", "trixge")
    page.reload()

    assert page.locator(".light.red").count() == 1
    assert "Red: altered" in page.inner_text("main")
    page.goto(f"{running.url}/reports?since={QUARTER[0]}&until={QUARTER[1]}")
    assert "ALTERED." in page.inner_text("main")
