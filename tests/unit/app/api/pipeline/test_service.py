import asyncio

from app.api.pipeline.groups import ConsumerGroup
from app.api.pipeline.service import GROUPS_AGE, PipelineService
from app.api.provider_bodies import ProviderAccounts
from app.process_facts import read_version
from tests.unit.app.api.pipeline.builders import ACCOUNT, NOW, PARTITIONS, build_groups, build_member, build_readers

AWAY = OSError("away")


def build_service(**values: object) -> PipelineService:
    return PipelineService(build_readers(**values), PARTITIONS, lambda: NOW)


async def test_each_source_that_is_down_makes_only_its_part_unavailable() -> None:
    names = {"read_offsets": "kafka", "read_groups": "kafka", "read_reports": "workers", "read_accounts": "breakers"}
    for reader, source in {**names, "count_dead_letters": "dead_letters"}.items():
        overview = await build_service(**{reader: AWAY}).build_overview()
        assert [name for name, state in overview.sources.items() if state.problem] == [source]
        assert overview.sources[source].problem == "OSError: away"  # type: ignore[index]


async def test_with_all_sources_down_there_is_an_answer() -> None:
    names = ("read_offsets", "read_groups", "read_reports", "read_accounts", "count_dead_letters")
    service = build_service(**dict.fromkeys(names, AWAY))
    responses = [await service.build_topology(), await service.build_workers("gateway"), await service.build_tables()]
    assert [bool(response.sources["kafka"].problem) for response in responses] == [True, True, True]  # type: ignore[attr-defined]
    await service.stop()


async def test_breakers_that_redis_does_not_know_are_a_problem() -> None:
    overview = await build_service(read_accounts=ProviderAccounts([ACCOUNT], knows_breakers=False)).build_overview()
    assert overview.sources["breakers"].problem == "Redis does not answer"


async def test_a_rebalance_is_shown_since_it_was_first_seen() -> None:
    now = NOW
    readers = build_readers()
    state = "PreparingRebalance"

    async def read_groups() -> dict[str, ConsumerGroup]:
        return build_groups(router=ConsumerGroup(state, (build_member("router", 0, 1),)))

    service = PipelineService(readers._replace(read_groups=read_groups), PARTITIONS, lambda: now)
    seen = []
    for seconds in (0.0, GROUPS_AGE, GROUPS_AGE):
        now += seconds
        seen.append((await service.build_workers("gateway")).roles[0].rebalancing_since)
        state = "Stable" if seconds else state
    assert seen == [NOW, NOW, None]
    await service.stop()


async def test_the_gateway_that_answers_is_shown() -> None:
    service = build_service()
    gateway = (await service.build_workers("127.0.0.1:8080")).gateway
    assert (gateway.worker, gateway.version, gateway.started_at) == ("127.0.0.1:8080", read_version(), NOW)
    assert gateway.memory_bytes
    await asyncio.sleep(0)
    await service.stop()
