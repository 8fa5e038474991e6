"""Messages stay until they are dismissed; good news disappears by itself."""

from app.control.notices import GOOD_NEWS_S, MAX_NOTICES, Notices
from app.presenters.severity import Severity


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def text(notices):
    newest = notices.get_current()
    return newest.text if newest else None


def test_the_newest_sentence_is_shown_and_the_one_before_comes_back_when_it_is_dismissed():
    notices = Notices()
    notices.add("First.")
    notices.add("Second.")
    assert text(notices) == "Second."
    notices.dismiss()
    assert text(notices) == "First."
    notices.dismiss()
    assert text(notices) is None


def test_a_sentence_that_is_told_twice_is_dismissed_once():
    notices = Notices()
    notices.add("Again.")
    notices.add("Again.")
    notices.dismiss()
    assert text(notices) is None


def test_good_news_leaves_by_itself_and_a_warning_stays():
    clock = Clock()
    notices = Notices(clock)
    notices.add("The disk is nearly full.")
    notices.add("Recorded 9 s.", Severity.GOOD)
    clock.now_s = GOOD_NEWS_S - 0.1
    assert text(notices) == "Recorded 9 s."
    clock.now_s = GOOD_NEWS_S
    assert text(notices) == "The disk is nearly full."
    clock.now_s = 1e6
    assert text(notices) == "The disk is nearly full."


def test_a_lasting_sentence_that_was_dismissed_comes_back_only_when_it_begins_anew():
    notices = Notices()
    lasting = ("Camera 'left' was moved.",)
    notices.set_persistent(lasting)
    assert notices.get_persistent() == lasting
    notices.dismiss()
    notices.set_persistent(lasting)
    assert notices.get_persistent() == ()
    notices.set_persistent(())
    notices.set_persistent(lasting)
    assert notices.get_persistent() == lasting


def test_not_more_sentences_are_kept_than_anybody_reads():
    notices = Notices()
    for number in range(100):
        notices.add(str(number))
    for _ in range(MAX_NOTICES):
        notices.dismiss()
    assert text(notices) is None
