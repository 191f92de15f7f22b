"""The scenario `page`: the live page in a browser while 10,000 statuses a second come: its frames, what it shows and what it leaves out.

It needs Chromium, as the tests of the dashboard do: HEROLD_TEST_CHROMIUM, or one on the PATH.
"""

import asyncio
import json
import time
from typing import Any

import psutil
from playwright.async_api import CDPSession, Page, WebSocket, async_playwright

from schemas.enums import Status
from schemas.events import StatusEvent
from schemas.topics import STATUS_TOPIC
from tests.bench import load_generator
from tests.bench.cpu_meter import CpuMeter, read_own_cpu_seconds
from tests.bench.percentiles import compute_percentiles
from tests.browser.conftest import CHROMIUM_NAMES, Installation, add_account, find_chromium, log_in
from tests.cluster import HeroldCluster, wait_until
from tests.integration.live.live_client import PARTITIONS

RATE = 10_000  # statuses a second
SECONDS = 20
STEP = 0.02  # seconds between two bursts
MEASURE_FRAMES = """() => {
    const frames = window.frameTimes = [];
    let last = performance.now();
    const next = (now) => { frames.push(now - last); last = now; requestAnimationFrame(next); };
    requestAnimationFrame(next);
}"""
WORK = {"script": "ScriptDuration", "layout": "LayoutDuration", "style": "RecalcStyleDuration", "all": "TaskDuration"}
"""What the main thread of the page does (Chrome DevTools Protocol, Performance.getMetrics), in seconds."""


async def measure_live_page(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """Open the page and let statuses flow; without `count`."""
    path = find_chromium()
    if path is None:
        return {"page": f"not measured: no {' or '.join(CHROMIUM_NAMES)}"}
    await cluster.start_gateway()
    installation = Installation(cluster, {})
    await add_account(installation)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = await browser.new_page()
        try:
            await log_in(page, installation)
            return {"page": await _measure(cluster, page, f"{installation.url}/live")}
        finally:
            await browser.close()


async def _measure(cluster: HeroldCluster, page: Page, url: str) -> dict[str, Any]:
    lags: list[float] = []
    page.on("websocket", lambda socket: _watch(socket, lags))
    await page.goto(url)
    await page.get_by_text("live", exact=True).wait_for()
    await page.evaluate(MEASURE_FRAMES)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    work = await _read_work(devtools)
    meter, before = CpuMeter(cluster.get_pids("gateway")), _read_browser_seconds()
    await _produce(cluster)
    seconds = meter.wall_seconds
    work = {name: round(1000 * (value - work[name]) / seconds, 1) for name, value in (await _read_work(devtools)).items()}
    cores = {**meter.compute_cores(), "browser": round((_read_browser_seconds() - before) / meter.wall_seconds, 2)}

    async def is_counted() -> bool:
        return (await _read_counts(page))[0] == RATE * SECONDS

    await wait_until(is_counted, 60, "the page has counted every status", interval=0.2)
    _, text = await _read_counts(page)
    frames = await page.evaluate("window.frameTimes")
    return {
        "statuses": RATE * SECONDS,
        "counted": text,
        "frame_ms": compute_percentiles(frames, (50, 95, 99), 1),
        "frames_per_second": round(1000 * len(frames) / sum(frames), 1),
        "main_thread_ms_per_second": work,
        "lag_ms": compute_percentiles((1000 * lag for lag in lags), (50, 99)),
        "heap_mb": round(await page.evaluate("performance.memory.usedJSHeapSize") / 2**20),
        "produced_per_second": round(RATE * SECONDS / seconds),
        "cores": cores,
    }


def _watch(socket: WebSocket, lags: list[float]) -> None:
    """Keep how old the newest row of each frame is."""

    def read(payload: str | bytes) -> None:
        if rows := json.loads(payload).get("rows"):
            lags.append(time.time() - rows[-1]["occurred_at"])

    socket.on("framereceived", read)


async def _read_work(devtools: CDPSession) -> dict[str, float]:
    """The seconds of each kind of work until now."""
    metrics = {metric["name"]: metric["value"] for metric in (await devtools.send("Performance.getMetrics"))["metrics"]}
    return {name: metrics[of_devtools] for name, of_devtools in WORK.items()}


async def _read_counts(page: Page) -> tuple[int, str]:
    """How many statuses the page has counted, and what it says of them."""
    text = await page.get_by_text("since the page was opened").inner_text()
    digits = "".join(filter(str.isdigit, text.partition(" since")[0]))
    return int(digits), text


def _read_browser_seconds() -> float:
    """The CPU seconds of all processes of the browser, which descend from this one."""
    processes = psutil.Process().children(recursive=True)
    return sum(read_own_cpu_seconds(process.pid) for process in processes if process.name().startswith("chrom"))


async def _produce(cluster: HeroldCluster) -> None:
    """Produce statuses of now at the rate."""
    producer, topic = load_generator.build_producer(cluster.urls.kafka), cluster.prefix + STATUS_TOPIC
    await producer.start()
    started_at, sent = time.monotonic(), 0
    try:
        while sent < RATE * SECONDS:
            due = min(RATE * SECONDS, int((time.monotonic() - started_at) * RATE))
            for number in range(sent, due):
                await producer.send(topic, load_generator.encode(_build_status(number)), partition=number % PARTITIONS)
            sent = due
            await asyncio.sleep(STEP)
        await producer.flush()
    finally:
        await producer.stop()


def _build_status(number: int) -> StatusEvent:
    now = time.time()
    return StatusEvent(
        f"dlv_{number:032x}", f"ntf_{number:032x}", f"user-{number % 5000}", channel="email", status=Status.DELIVERED,
        occurred_at=now, created_at=now, type="order.shipped", provider="sendgrid",
    )  # fmt: skip
