"""The sender of callbacks on real sockets: results of tries, further tries, and bounds."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

import dev.simulators.callbacks.sender as sender_module
from dev.simulators.callbacks.post import ALL_FAILURES, CallbackPost, PostResult, RetryRule
from dev.simulators.callbacks.sender import CallbackSender
from tests.integration.simulators.callback_receiver import CallbackReceiver

AT_ONCE = RetryRule((0.0, 0.0), ALL_FAILURES)
NEVER = RetryRule((), ALL_FAILURES)


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    receiver = CallbackReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
async def sender() -> AsyncIterator[CallbackSender]:
    sender = CallbackSender(asyncio.get_running_loop())
    yield sender
    await sender.close()


def build_post(url: str, rule: RetryRule = NEVER, read_timeout: float = 30.0) -> CallbackPost:
    """A post to this URL."""
    return CallbackPost(url, {"Content-Type": "application/json"}, b"[1]\r\n", rule, 30.0, read_timeout)


async def post_and_wait(sender: CallbackSender, post: CallbackPost) -> None:
    """Post, and wait until the first try has ended."""
    first_try: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    sender.send(post, first_try)
    await asyncio.wait_for(first_try, 60)


async def wait_until_idle(sender: CallbackSender) -> None:
    """Wait until nothing is outstanding."""
    async with asyncio.timeout(60):
        while sender.outstanding:
            await asyncio.sleep(0)


@pytest.mark.parametrize(("status", "result"), [(200, "2xx"), (204, "2xx"), (302, "3xx"), (401, "4xx"), (503, "5xx")])
async def test_the_result_of_a_try_is_counted(sender: CallbackSender, receiver: CallbackReceiver, status: int, result: str) -> None:
    receiver.statuses = [status]
    await post_and_wait(sender, build_post(receiver.origin + "/x?a=%2B&b=c+d"))
    await wait_until_idle(sender)
    assert sender.counts == {result: 1, "given_up": int(result != "2xx")}
    callback = receiver.get()
    assert (callback.path, callback.body) == ("/x?a=%2B&b=c+d", b"[1]\r\n"), "the signature covers both"


async def test_a_failed_post_is_tried_again_until_it_is_given_up(sender: CallbackSender, receiver: CallbackReceiver) -> None:
    receiver.statuses = [500] * 3
    await post_and_wait(sender, build_post(receiver.origin, AT_ONCE))
    await wait_until_idle(sender)
    assert sender.counts == {"5xx": 3, "retried": 2, "given_up": 1}


async def test_only_the_results_of_the_rule_are_tried_again(sender: CallbackSender, receiver: CallbackReceiver) -> None:
    receiver.statuses = [500]
    await post_and_wait(sender, build_post(receiver.origin, RetryRule((0.0,), frozenset({PostResult.NOT_CONNECTED}))))
    await wait_until_idle(sender)
    assert sender.counts == {"5xx": 1, "given_up": 1}


async def test_a_host_that_does_not_listen(sender: CallbackSender) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        await post_and_wait(sender, build_post(f"http://127.0.0.1:{unused.getsockname()[1]}/"))
    await wait_until_idle(sender)
    assert sender.counts == {"ct": 1, "given_up": 1}


async def test_a_host_that_does_not_answer(sender: CallbackSender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        await post_and_wait(sender, build_post(f"http://127.0.0.1:{silent.getsockname()[1]}/", read_timeout=0.1))
    await wait_until_idle(sender)
    assert sender.counts == {"rt": 1, "given_up": 1}


async def test_what_is_no_url_is_not_connected(sender: CallbackSender) -> None:
    await post_and_wait(sender, build_post("http://"))
    await wait_until_idle(sender)
    assert sender.counts == {"ct": 1, "given_up": 1}


async def test_more_than_the_most_outstanding_posts_are_discarded(
    sender: CallbackSender, receiver: CallbackReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "MAX_OUTSTANDING", 2)
    for _ in range(3):
        sender.send(build_post(receiver.origin))
    await post_and_wait(sender, build_post(receiver.origin))
    await wait_until_idle(sender)
    assert sender.counts == {"discarded": 2, "2xx": 2, "given_up": 0}
