"""The networks on offer, by name."""

import pytest

from core.domain import archs


def test_a_network_of_timm_is_found_by_a_name_that_only_timm_knows() -> None:
    found = archs.find("timm:convnextv2_tiny.fcmae_ft_in22k_in1k")

    assert (found.library, found.n_groups, found.is_pretrained) == ("timm", 2, True)


@pytest.mark.parametrize(
    "name",
    [
        "timm:",
        "timm:hf-hub:somebody/network",
        "timm:local-dir:/tmp/network",
        "timm:../../network",
        "timm:" + "a" * 101,
        "timm:res net",
        "resnet",
        "",
    ],
)
def test_what_names_no_network_on_offer_is_not_found(name: str) -> None:
    assert archs.find(name) is None


def test_every_network_says_in_a_line_of_its_own_what_it_is() -> None:
    said = [arch.about for arch in archs.ARCHS.values()]

    assert len(set(said)) == len(said)
    assert all(20 < len(about) < 100 and not about.endswith(".") for about in said)


def test_only_xresnets_have_no_pretrained_weights() -> None:
    without = {name for name, arch in archs.ARCHS.items() if not arch.is_pretrained}

    assert without == {"xresnet18", "xresnet34", "xresnet50", "xresnet101"}
