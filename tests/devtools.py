"""A Chromium that tests steer by its DevTools protocol: pages, scripts in them, keys, pictures, console."""

import asyncio
import base64
import json
import re
import subprocess
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from chromium import FLAGS, executable
from tornado.websocket import websocket_connect


class Browser:
    """One page of a headless browser. ``requests`` are the addresses that it asked for, ``console`` its complaints."""

    def __init__(self, folder: Path) -> None:
        self.requests: list[str] = []
        self.console: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._number = 0
        command = [
            executable(),
            *FLAGS,
            "--remote-debugging-port=0",
            f"--user-data-dir={folder / 'profile'}",
            "about:blank",
        ]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        address = next(found[1] for line in self._process.stderr if (found := re.search(r"(ws://\S+)", line)))
        self._socket = self._do(partial(websocket_connect, address, max_message_size=2**28))
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    _session: str | None = None

    def _do(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        async def wait() -> Any:
            return await function(*arguments)

        return self._loop.run_until_complete(wait())

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._do(self._socket.write_message, json.dumps(message))
        while True:
            told = self._listen()
            if told.get("id") == self._number:
                assert "error" not in told, told
                return told["result"]

    def _listen(self) -> dict[str, Any]:
        told = json.loads(self._do(self._socket.read_message))
        method, given = told.get("method"), told.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning", "assert"):
            self.console.append(" ".join(str(one.get("value", one.get("description"))) for one in given["args"]))
        elif method == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
            self.console.append(given["entry"]["text"])
        return told

    def open(self, address: str, width: int = 1280, height: int = 900) -> None:
        """Open a page in a window of a size."""
        self.requests.clear()
        self.console.clear()
        self.resize(width, height)
        self.call("Page.navigate", url=address)
        while self._listen().get("method") != "Page.loadEventFired":
            pass

    def resize(self, width: int, height: int = 900) -> None:
        """Give the window a size."""
        given = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **given)

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page; a promise is awaited."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press and release a key, as a person does."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def picture(self, path: Path) -> None:
        """Write a picture of the whole page."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """End the browser."""
        self._socket.close()
        self._process.terminate()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._loop.close()
