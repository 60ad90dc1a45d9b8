"""Headless Chromium, spoken to by its DevTools protocol; only what the page tests need."""

import asyncio
import contextlib
import itertools
import shutil
import subprocess
import time
from pathlib import Path

import aiohttp
import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--mute-audio", "--remote-debugging-port=0",
)  # fmt: skip


class Page:
    """A page that is open; all coroutines."""

    def __init__(self, socket):
        self._socket, self._numbers = socket, itertools.count(1)
        self.requests: list[str] = []
        self.errors: list[str] = []

    async def send(self, method: str, **parameters) -> dict:
        """Call a method of the protocol."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=120)
            if message.get("method") == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(str(message["params"]["exceptionDetails"]))
            if message.get("id") == number:
                assert "error" not in message, (method, message)
                return message["result"]

    async def open(self, url: str, *, width=1280, height=800, phone=False, dark=False) -> None:
        """Go to a page, as a screen of this kind shows it."""
        for domain in ("Page", "Runtime", "Network"):
            await self.send(f"{domain}.enable")
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=2 if phone else 1, mobile=phone,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])
        await self.send("Page.navigate", url=url)
        await self.wait_for("document.readyState === 'complete'")

    async def run(self, script: str):
        """What an expression gives."""
        result = await self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, (script, result)
        return result["result"].get("value")

    async def wait_for(self, condition: str, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not await self.run(f"Boolean({condition})"):
            assert time.monotonic() < end, (condition, await self.run("document.body.innerText"))
            await asyncio.sleep(0.02)

    async def press(self, key: str) -> None:
        """Press a key, as a person does: Tab, Space, Enter, ArrowRight, or a digit."""
        codes = {"Tab": 9, "Space": 32, "Enter": 13, "ArrowRight": 39}
        text = {"Space": " ", "Enter": "\r"}.get(key, key if len(key) == 1 else "")
        name = " " if key == "Space" else key
        code = codes.get(key, ord(key[0]))
        typed = {"text": text} if text else {}
        for kind, more in (("keyDown", typed), ("keyUp", {})):
            await self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=name,
                code=key,
                windowsVirtualKeyCode=code,
                **more,
            )

    async def click(self, selector: str) -> None:
        """Click into the middle of an element."""
        await self.run(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
        box = f"document.querySelector({selector!r}).getBoundingClientRect()"
        x, y = await self.run(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})")
        for kind in ("mousePressed", "mouseReleased"):
            await self.send(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )


@contextlib.asynccontextmanager
async def chromium(folder: Path):
    """A page in a Chromium of its own, which saves downloads into `folder`."""
    profile = folder / "profile"
    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port_file = profile / "DevToolsActivePort"
        end = time.monotonic() + 120
        while not (port_file.exists() and port_file.read_text().count("\n")):
            assert time.monotonic() < end and process.poll() is None, "Chromium doesn't start"
            await asyncio.sleep(0.05)
        port = port_file.read_text().splitlines()[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                (tab,) = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                await page.send(
                    "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder)
                )
                yield page
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        process.kill()
        process.wait()
