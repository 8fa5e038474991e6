"""Requests find their one handler; a request without one, or with two, is refused clearly."""

import pytest

from app import requests
from app.control.controller import dispatch, merge_handlers


def test_a_request_reaches_its_handler():
    seen = []
    handlers = merge_handlers({requests.Start: seen.append}, {requests.Stop: pytest.fail})
    dispatch(handlers, requests.Start())
    assert seen == [requests.Start()]


def test_a_request_that_nothing_handles_is_refused_by_its_name():
    with pytest.raises(TypeError, match="No controller handles the request 'Stop'"):
        dispatch({requests.Start: print}, requests.Stop())


def test_a_request_that_two_controllers_handle_is_refused_when_they_are_put_together():
    with pytest.raises(ValueError, match="Two controllers handle the request 'Start'"):
        merge_handlers({requests.Start: print}, {requests.Start: print})
