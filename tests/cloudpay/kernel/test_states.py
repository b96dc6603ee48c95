from enum import StrEnum

import pytest

from cloudpay.kernel.states import IllegalTransition, Transitions


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    BROKEN = "broken"


LIGHTS = Transitions(
    "light",
    {
        Light.RED: frozenset({Light.GREEN, Light.BROKEN}),
        Light.GREEN: frozenset({Light.RED, Light.BROKEN}),
        Light.BROKEN: frozenset(),
    },
)


def test_an_allowed_transition_answers_the_new_state() -> None:
    assert LIGHTS.check(Light.RED, Light.GREEN) is Light.GREEN


@pytest.mark.parametrize(
    ("current", "wanted"), [(Light.BROKEN, Light.RED), (Light.RED, Light.RED), (Light.BROKEN, Light.BROKEN)]
)
def test_any_other_transition_is_refused(current: Light, wanted: Light) -> None:
    assert not LIGHTS.allows(current, wanted)
    with pytest.raises(IllegalTransition) as refused:
        LIGHTS.check(current, wanted)
    assert str(refused.value) == f"The light is {current}; it cannot become {wanted}."
    assert (refused.value.code, refused.value.http_status) == ("illegal_transition", 409)
