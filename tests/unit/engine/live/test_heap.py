"""Free memory is given back now and then, and not at every frameset."""

from engine.live.heap import TRIM_EVERY_NS, HeapTrimmer


def test_memory_is_given_back_once_in_a_while(monkeypatch):
    given = []
    monkeypatch.setattr("engine.live.heap._find_malloc_trim", lambda: given.append)
    giver = HeapTrimmer()
    for now_ns in range(TRIM_EVERY_NS, 3 * TRIM_EVERY_NS, TRIM_EVERY_NS // 10):
        giver.trim(now_ns)
    assert given == [0, 0]


def test_this_system_can_be_asked_or_needs_not():
    HeapTrimmer().trim(TRIM_EVERY_NS)
