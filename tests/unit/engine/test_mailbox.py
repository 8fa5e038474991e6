"""Mailboxes between threads: drops are counted, `Bounded` waits, and each end is reported."""

import threading

import pytest

from engine.mailbox import Bounded, ClosedError, EmptyError, Latest
from tests.support.patience import PATIENCE_S


def test_latest_keeps_the_newest_and_counts_what_it_dropped():
    latest = Latest()
    for number in range(5):
        latest.put(number)
    assert latest.take() == 4
    assert latest.dropped == 4


def test_latest_with_room_for_two_hands_over_the_older_of_the_newest_two_first():
    latest = Latest(capacity=2)
    for number in range(5):
        latest.put(number)
    assert [latest.take(), latest.take()] == [3, 4]
    assert latest.dropped == 3


def test_latest_drops_nothing_that_was_taken():
    latest = Latest()
    for number in range(3):
        latest.put(number)
        assert latest.take() == number
    assert latest.dropped == 0


def test_latest_takes_nothing_after_it_is_closed():
    latest = Latest()
    latest.close()
    latest.put(1)
    with pytest.raises(ClosedError):
        latest.take()


def test_bounded_keeps_everything_in_order():
    bounded = Bounded(3)
    assert all(bounded.offer(number) for number in range(3))
    assert [bounded.take() for _ in range(3)] == [0, 1, 2]


def test_bounded_refuses_what_has_no_room():
    bounded = Bounded(2)
    assert [bounded.offer(number) for number in range(3)] == [True, True, False]
    assert not bounded.put(9, timeout_s=0.01)
    assert len(bounded) == 2


def test_put_waits_until_there_is_room():
    bounded = Bounded(1)
    bounded.put(0)
    sender = threading.Thread(target=bounded.put, args=(1,))
    sender.start()
    assert bounded.take(timeout_s=PATIENCE_S) == 0
    assert bounded.take(timeout_s=PATIENCE_S) == 1
    sender.join(timeout=PATIENCE_S)
    assert not sender.is_alive()


def test_what_is_inside_can_be_taken_after_closing():
    bounded = Bounded(2)
    bounded.put("last")
    bounded.close()
    assert bounded.take() == "last"
    with pytest.raises(ClosedError):
        bounded.take()
    assert not bounded.put("late")


def test_poison_comes_after_the_last_item():
    bounded = Bounded(2)
    bounded.put("last")
    bounded.poison(RuntimeError("the sender died"))
    assert bounded.take() == "last"
    for _ in range(2):
        with pytest.raises(RuntimeError, match="died"):
            bounded.take()


def test_discarding_sends_a_waiting_sender_home():
    bounded = Bounded(1)
    bounded.put(0)
    said = []
    sender = threading.Thread(target=lambda: said.append(bounded.put(1)))
    sender.start()
    bounded.discard()
    sender.join(timeout=PATIENCE_S)
    assert said == [False]
    with pytest.raises(ClosedError):
        bounded.take()


def test_taking_from_an_empty_mailbox_gives_up_in_time():
    with pytest.raises(EmptyError):
        Bounded(1).take(timeout_s=0.01)


def test_a_bounded_mailbox_may_weigh_its_items():
    box = Bounded(10.0, weigh=len)
    assert box.offer("a" * 20)  # a single item always finds room
    assert not box.offer("b")
    box.take()
    assert box.offer("a" * 6)
    assert not box.offer("b" * 5)
    assert box.offer("b" * 4)
