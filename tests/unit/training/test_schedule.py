"""The learning rate over the steps of a run."""

from clinspan.training.schedule import warm_then_down


def test_the_rate_rises_then_falls_to_zero():
    rate = warm_then_down(10, 0.2)
    assert [rate(step) for step in (0, 1, 2, 6, 9, 10)] == [0.5, 1.0, 1.0, 0.5, 0.125, 0.0]
