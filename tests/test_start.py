"""The start page of each cast member."""

from collections.abc import Callable

import pytest
from django.test import Client


@pytest.mark.parametrize("name", ["county", "township", "village", "helper", "department", "inspector", "auditor", "admin"])
def test_everybody_has_a_start_page(client_as: Callable[[str], Client], name: str) -> None:
    answer = client_as(name).get("/")
    assert answer.status_code == 200
    assert "演示县" in answer.content.decode()
