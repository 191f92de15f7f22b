"""A client that submits as fast as it gets answers, whatever they are: python -m tests.chaos.flood_client PORT KEY CONNECTIONS.

At the end of its standard input it prints how many answers had which status.
"""

import asyncio
import json
import re
import sys
from collections import Counter

BODY = {"type": "account.otp", "data": {"code": "482193", "minutes": 5}, "priority": "high"}
_match_head = re.compile(rb"HTTP/1.1 (\d+).*?content-length: (\d+)", re.DOTALL | re.IGNORECASE).match


async def flood(port: int, key: str, number: int, answers: Counter[int]) -> None:
    """Submit over one connection until cancelled."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        user = f"flood-{number}-{answers.total()}"
        body = json.dumps({**BODY, "user_id": user, "to": {"email": f"{user}@example.org"}}).encode()
        head = f"POST /v1/notifications HTTP/1.1\r\nHost: h\r\nX-API-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        match = _match_head(await reader.readuntil(b"\r\n\r\n"))
        assert match is not None
        await reader.readexactly(int(match[2]))
        answers[int(match[1])] += 1


async def main(port: int, key: str, connections: int) -> None:
    """Flood until the end of the standard input."""
    answers = Counter[int]()
    tasks = [asyncio.create_task(flood(port, key, number, answers)) for number in range(connections)]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(answers))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
