"""Commands run in the test's own process and folder."""

import json

import pytest
from known_constants import constants_found_once

from adamsym.__main__ import main


@pytest.fixture(autouse=True)
def constants_once():
    """Commands that ask for the same bound take the same constants: finding them is not what is tested here."""
    with constants_found_once():
        yield


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def command(*arguments, code=0):
        assert main(list(arguments)) == code
        printed = capsys.readouterr()
        assert (printed.err == "") == (code != 2)
        if code == 2:
            assert printed.err.count("\n") == 1
            return printed.err
        return json.loads(printed.out) if "--json" in arguments else printed.out

    return command
