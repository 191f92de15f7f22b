from schemas.notification import Notification
from tests.unit.app.api.world import World, an_id
from tests.unit.app.cli.conftest import Herold, json_of, story_of


def test_show_is_a_timeline(herold: Herold, gateway: str, world: World) -> None:
    world.history.stories[an_id(7)] = story_of(Notification("u-42", "order.shipped", an_id(7)))
    result = herold("show", an_id(7), "--url", gateway)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    router = next(line for line in lines if "router" in line)
    attempt = next(line for line in lines if "email attempt 1" in line)
    assert "+4 ms" in router
    assert all(part in attempt for part in ("+20 ms", "SENT", "ACCEPTED", "sendgrid", "code 202", "12.5 ms"))
    assert json_of(herold("show", an_id(7), "--url", gateway, "--json"))["id"] == an_id(7)


def test_explain_tells_the_sentence_and_the_gates(herold: Herold, gateway: str, world: World) -> None:
    world.history.stories[an_id(7)] = story_of(Notification("nobody", "order.shipped", an_id(7)))
    result = herold("explain", an_id(7), "--url", gateway)
    assert result.exit_code == 0
    assert "Refused: the user is not known" in result.stdout
    assert "channels=email" in result.stdout
    assert json_of(herold("explain", an_id(7), "--url", gateway, "--json"))["state"] == "refused"


def test_explain_tells_every_attempt(herold: Herold, gateway: str, world: World) -> None:
    world.history.stories[an_id(7)] = story_of(Notification("u-42", "order.shipped", an_id(7)))
    result = herold("explain", an_id(7), "--url", gateway)
    attempt = next(line for line in result.stdout.splitlines() if "email attempt 1" in line)
    assert all(part in attempt for part in ("SENT", "ACCEPTED", "sendgrid", "code 202", "12.5 ms"))
    (delivery,) = json_of(herold("explain", an_id(7), "--url", gateway, "--json"))["deliveries"]
    assert delivery["attempts"][0]["outcome"] == "ACCEPTED"


def test_what_nobody_knows_is_3(herold: Herold, gateway: str) -> None:
    for command in ("show", "explain"):
        assert herold(command, an_id(9), "--url", gateway).exit_code == 3
        assert herold(command, "../../metrics", "--url", gateway).exit_code == 3


def test_list_shows_a_users(herold: Herold, gateway: str, world: World) -> None:
    for number in (1, 2):
        world.history.stories[an_id(number)] = story_of(Notification("u-42", "order.shipped", an_id(number)))
    result = herold("list", "u-42", "--url", gateway)
    assert result.exit_code == 0
    assert result.stdout.index(an_id(2)) < result.stdout.index(an_id(1))
    older = json_of(herold("list", "u-42", "--before", an_id(2), "--url", gateway, "--json"))
    assert [one["id"] for one in older["notifications"]] == [an_id(1)]


def test_a_wrong_key_is_1(herold: Herold, gateway: str) -> None:
    result = herold("show", an_id(7), "--url", gateway, "--api-key", "wrong")
    assert result.exit_code == 1
    assert "refused the key" in result.stderr
