"""A user's variant is stable, the shares are the weights, and what is wrong with variants is named."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.policy import Policy, Template
from schemas.template_document import TemplateDocument, build_details, build_template_document, build_templates
from schemas.template_variants import Experiment, build_experiment, find_variant_problems, list_templates

USERS = [f"u-{number}" for number in range(4000)]
DOCUMENT: dict[str, Any] = {
    "email": {"default": {"subject": "s", "text": "t", "html": "h"}, "de": {"subject": "sd", "text": "td"}},
    "sms": {"default": {"text": "x"}},
    "variants": {"short": {"weight": 30, "email": {"default": {"subject": "short"}, "de": {"text": "kurz"}}}},
}


def build_document(**fields: Any) -> TemplateDocument:
    return msgspec.convert({**DOCUMENT, **fields}, TemplateDocument)


def make_experiment(name: str = "e", **weights: int) -> Experiment:
    variants = {variant: {"weight": weight, "sms": {"default": {"text": variant}}} for variant, weight in weights.items()}
    experiment = build_experiment(build_details(name, 1, build_document(variants=variants)))
    assert experiment is not None
    return experiment


@given(st.integers(0, 100), st.integers(0, 100), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_the_shares_of_the_users_are_the_weights(first: int, second: int, name: str) -> None:
    experiment = make_experiment(name, a=first, b=min(second, 100 - first))
    counts = Counter(map(experiment.choose_variant, USERS))
    for variant, weight in experiment.list_weights().items():
        # five standard deviations at most
        assert counts[variant] / len(USERS) == pytest.approx(weight / 100, abs=0.04)
        assert weight or not counts[variant]


@given(st.integers(0, 100), st.integers(0, 100))
def test_a_weight_that_grows_takes_users_from_the_control_only(weight: int, larger: int) -> None:
    before, after = make_experiment(a=min(weight, larger)), make_experiment(a=max(weight, larger))
    assert all(after.choose_variant(user) == "a" for user in USERS[:500] if before.choose_variant(user) == "a")


def test_users_keep_their_variants_across_versions_of_herold() -> None:
    """A change of the hash would show a user another variant in the middle of an experiment."""
    assert [make_experiment("order-shipped", short=50).choose_variant(f"u-{number}") for number in range(6)] == [
        *["short"] * 3,
        *["control"] * 3,
    ]


def test_another_experiment_divides_the_users_anew() -> None:
    first, second = make_experiment("e1", a=50), make_experiment("e2", a=50)
    same = sum(first.choose_variant(user) == second.choose_variant(user) for user in USERS)
    assert same / len(USERS) == pytest.approx(0.5, abs=0.04)


def test_a_variant_has_its_own_parts_in_the_place_of_the_templates() -> None:
    document = build_document()
    policy = Policy({}, build_templates("t", 1, document), (), template_details=(build_details("t", 1, document),))
    variants = {one.locale: one for one in list_templates(policy) if one not in policy.templates}
    assert {locale: (one.channel, one.subject, one.text, one.html) for locale, one in variants.items()} == {
        "default": ("email", "short", "t", "h"),
        "de": ("email", "sd", "kurz", ""),
    }


def test_a_template_at_the_provider_takes_the_place_of_all_parts() -> None:
    document = build_document(variants={"far": {"weight": 1, "sms": {}, "email": {"default": {"template_id": "d-" + "0" * 32}}}})
    policy = Policy({}, build_templates("t", 1, document), (), template_details=(build_details("t", 1, document),))
    (far,) = [one for one in list_templates(policy) if one not in policy.templates]
    assert (far.template_id, far.subject, far.text) == ("d-" + "0" * 32, "", "")


@pytest.mark.parametrize("experiment", ["", "winter"])
def test_a_document_comes_back_as_it_was(experiment: str) -> None:
    document = build_document(experiment=experiment)
    details = build_details("t", 3, document)
    assert details.experiment == (experiment or "t")
    templates: tuple[Template, ...] = build_templates("t", 3, document)
    rebuilt = build_template_document(templates, details)
    assert (rebuilt.experiment, rebuilt.variants) == (document.experiment, document.variants)
    assert build_experiment(build_details("t", 3, build_document(variants={}))) is None


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"variants": {"a": {"weight": 60, "sms": {"default": {"text": "a"}}}, "b": {"weight": 41, "sms": {"default": {"text": "b"}}}}},
         "templates.t.variants: the weights add up to 101 percent of the users; 100 are all of them"),
        ({"variants": {"control": {"weight": 1, "sms": {"default": {"text": "a"}}}}}, "templates.t.variants.control: this is the name"),
        ({"variants": {"a": {"weight": 1}}}, "templates.t.variants.a: it has no parts"),
        ({"variants": {"a": {"weight": 1, "email": {"default": {"subject": "x"}}}}}, "templates.t.variants.a.email: it has no de"),
        ({"variants": {"a": {"weight": 1, "push": {"default": {"title": "x"}}}}}, "a.push.default: the template itself has no push"),
        ({"variants": {"a": {"weight": 1, "sms": {"default": {"html": "x"}}}}}, "variants.a.sms.default: there is no part html"),
        ({"variants": {}, "experiment": "e"}, "templates.t.experiment: there are no variants"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(fields: dict[str, Any], problem: str) -> None:
    (found,) = find_variant_problems("t", build_document(**fields))
    assert problem in found
    assert not list(find_variant_problems("t", build_document()))


@pytest.mark.parametrize("weight", [-1, 101, 2.5, "10"])
def test_a_weight_is_a_whole_number_of_percent(weight: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match="weight"):
        build_document(variants={"a": {"weight": weight}})
