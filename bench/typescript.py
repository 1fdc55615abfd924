"""The rules of one household of six in Chromium with the processor slowed four times, as on an old office computer or phone.

Measured apart: building the scopes and judging every row and household rule and constraint; and all that follows from one key at the desk
(model, scopes, rules, what is asked, what is shown). The pack and the households are those of the front end's fixtures.
"""

import json
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
MEMBERS, ROUNDS, WARM_UP, SLOWDOWN = 6, 60, 20, 4
_BUILD = """
import("vite").then((vite) => vite.build({
  configFile: false, root: ".", logLevel: "error", publicDir: false,
  build: { target: ["chrome90"], outDir: process.argv[1], minify: true,
    lib: { entry: "bench/rules.ts", formats: ["iife"], name: "bench", fileName: () => "rules.js" } },
}));
"""


def run() -> list[dict[str, Any]]:
    fixtures = json.loads((ROOT / "field/tests/fixtures/households.json").read_text(encoding="utf-8"))
    pack = fixtures["pack"]
    bundle = next(one["bundle"] for one in fixtures["households"] if one["bundle"]["record"]["state"] != "empty")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["node", "-e", _BUILD, folder], cwd=ROOT / "field", check=True)
        script = (Path(folder) / "rules.js").read_text(encoding="utf-8")
    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if path is None:
        raise RuntimeError("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto("about:blank")
        page.add_script_tag(content=script)
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
        found = page.evaluate(
            "([pack, bundle, members, rounds]) => globalThis.measure(pack, bundle, members, rounds)", [pack, bundle, MEMBERS, ROUNDS + WARM_UP]
        )
        browser.close()
    rows = f"{found['judged']} rules, {len(pack['constraints'])} constraints, {MEMBERS} members, {SLOWDOWN} x slower"
    return [
        _result("rules of a household of six in the browser", found["rules"][WARM_UP:], rows),
        _result("all that follows from one key in the browser", found["whole"][WARM_UP:], rows),
    ]


def _result(name: str, times: list[float], rows: str) -> dict[str, Any]:
    p95 = sorted(times)[int(len(times) * 0.95)]
    return {"name": name, "value": round(statistics.median(times), 2), "unit": "ms", "n": len(times), "p95": round(p95, 2), "rows": rows}
