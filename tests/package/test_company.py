"""Requests of boto3's threads that set out together."""

import threading
import time

import pytest

from s3prod.runners import boto3_company
from s3prod.runners.boto3_company import Company


@pytest.fixture
def patient(monkeypatch):
    """Nobody sets out because the time is up."""
    monkeypatch.setattr(boto3_company, "PATIENCE_S", 60.0)


def ready(company, number, gone):
    """A thread whose request is built: it is in `gone` when it has set out."""

    def body():
        with company.building() as set_out:
            set_out()
            set_out()  # a redirect: the same call sends again, and waits for nobody
            gone.append(number)

    thread = threading.Thread(target=body)
    thread.start()
    return thread


def waiting(company, count):
    """Returns when `count` requests wait."""
    until = time.monotonic() + 10
    while company._ready < count:
        assert time.monotonic() < until, f"{company._ready} wait, expected {count}"
        time.sleep(0.001)


def test_who_is_alone_sets_out_at_once(patient):
    gone = []
    ready(Company(), 1, gone).join(10)
    assert gone == [1]


def test_what_is_ready_waits_for_what_is_being_built(patient):
    company, gone = Company(), []
    with company.building() as set_out:
        threads = [ready(company, number, gone) for number in range(3)]
        waiting(company, 3)
        assert gone == []
        set_out()
        for thread in threads:
            thread.join(10)
        assert sorted(gone) == [0, 1, 2]


def test_a_request_that_fails_to_be_built_holds_nobody(patient):
    company, gone = Company(), []
    with pytest.raises(ValueError), company.building():
        thread = ready(company, 1, gone)
        waiting(company, 1)
        raise ValueError
    thread.join(10)
    assert gone == [1]


def test_enough_are_enough(patient, monkeypatch):
    monkeypatch.setattr(boto3_company, "SIZE", 3)
    company, gone = Company(), []
    with company.building():
        threads = [ready(company, number, gone) for number in range(2)]
        waiting(company, 2)
        threads.append(ready(company, 2, gone))
        for thread in threads:
            thread.join(10)
        assert sorted(gone) == [0, 1, 2]


def test_nobody_waits_for_longer_than_the_patience(monkeypatch):
    monkeypatch.setattr(boto3_company, "PATIENCE_S", 0.01)
    company, gone = Company(), []
    with company.building():
        ready(company, 1, gone).join(10)
        assert gone == [1]
