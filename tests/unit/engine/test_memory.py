"""Free memory is given back now and then, and not at every frameset."""

from engine.memory import EVERY_NS, Giver


def test_memory_is_given_back_once_in_a_while(monkeypatch):
    given = []
    monkeypatch.setattr("engine.memory._trim_of_the_system", lambda: given.append)
    giver = Giver()
    for now_ns in range(EVERY_NS, 3 * EVERY_NS, EVERY_NS // 10):
        giver.give(now_ns)
    assert given == [0, 0]


def test_this_system_can_be_asked_or_needs_not():
    Giver().give(EVERY_NS)
