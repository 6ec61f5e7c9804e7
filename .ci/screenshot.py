"""Makes the README's screenshot, book/_static/screenshot.png, from the built book: python .ci/screenshot.py"""

import functools
import http.server
import shutil
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
PAGE, PICTURE = "notebooks/coins.html", ROOT / "book/_static/screenshot.png"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


def main() -> None:
    handler = functools.partial(Quiet, directory=str(ROOT / "_build/html"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1240, "height": 800})
        page.goto(f"http://127.0.0.1:{server.server_port}/{PAGE}")
        page.wait_for_load_state("networkidle")
        page.locator("#the-evidence-ladder figure").evaluate("figure => figure.scrollIntoView({block: 'end'})")
        page.mouse.wheel(0, 60)  # the caption too
        page.wait_for_timeout(1500)
        page.screenshot(path=PICTURE)
        browser.close()
    server.shutdown()
    print(f"wrote {PICTURE.relative_to(ROOT)}, {PICTURE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
