import threading

import pytest

from engine.stages import ahead


def test_items_made_ahead_keep_their_order():
    assert list(ahead(range(100), capacity=3)) == list(range(100))


def test_an_error_of_the_maker_reaches_the_reader_after_the_items_before_it():
    def items():
        yield 1
        raise OSError("the disk is gone")

    reader = ahead(items())
    assert next(reader) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(reader)


def test_no_thread_is_left_when_the_reader_leaves_early():
    before = threading.active_count()
    reader = ahead(iter(range(10_000)), capacity=2)
    assert next(reader) == 0
    reader.close()
    assert threading.active_count() == before
