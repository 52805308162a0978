import pytest

from tests.exploration.waves import make_space
from vaekit.exploration.space import Space


@pytest.fixture(scope="session")
def space(tmp_path_factory) -> Space:
    """60 test images of the linear model, with their directions."""
    return make_space(tmp_path_factory.mktemp("evaluation"))
