"""A signal is heard at the next safe point."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from click99_training.loop.stop_request import RunInterrupt, StopRequest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_where_it_may_and_is_given_back(number: signal.Signals):
    before = signal.getsignal(number)
    with StopRequest() as request:
        request.stop_if_asked()
        os.kill(os.getpid(), number)
        with pytest.raises(RunInterrupt):
            request.stop_if_asked()
    assert signal.getsignal(number) is before


def test_other_threads_leave_signals_alone():
    before, seen = signal.getsignal(signal.SIGTERM), []

    def run() -> None:
        with StopRequest():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]
