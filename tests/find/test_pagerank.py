"""PageRank against networkx, and what dropped mass does and does not change."""

import networkx as nx
import numpy as np
import pytest

from sociolect.errors import InputError, UsageError
from sociolect.find.pagerank import pagerank


def graph(seed: int, n: int = 9, dangling: int = 3) -> np.ndarray:
    """Random weights without loops; the first nodes lead nowhere."""
    rng = np.random.default_rng(seed)
    weights = rng.random((n, n)) * (rng.random((n, n)) < 0.4)
    np.fill_diagonal(weights, 0)
    weights[:dangling] = 0
    return weights


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("damping", [0.5, 0.85])
def test_it_is_networkx_pagerank_where_mass_is_redistributed(seed: int, damping: float) -> None:
    weights = graph(seed)
    oracle = nx.pagerank(nx.from_numpy_array(weights, create_using=nx.DiGraph), alpha=damping, tol=1e-14, max_iter=2000)
    found = pagerank(weights, damping=damping, turns=500, dangling="redistributed")
    assert found == pytest.approx([oracle[k] for k in range(len(weights))], abs=1e-12)


def test_the_dropped_mass_is_a_factor_and_the_order_is_the_same() -> None:
    """The dossier's trap: only the redistributed form sums to 1."""
    for seed in range(20):
        weights = graph(seed)
        leaked, spread = (pagerank(weights, turns=400, dangling=d) for d in ("leaked", "redistributed"))
        assert spread.sum() == pytest.approx(1.0, abs=1e-12)
        assert leaked.sum() < 0.9
        assert np.ptp(leaked / spread) < 1e-12
        short = pagerank(weights), pagerank(weights, dangling="redistributed")
        assert np.argsort(short[0]).tolist() == np.argsort(short[1]).tolist()
    closed = graph(1, dangling=0) + np.eye(9, k=1) + np.eye(9, k=-8)
    assert pagerank(closed, turns=400).sum() == pytest.approx(1.0, abs=1e-12)


def test_the_leaking_chain_is_its_closed_form() -> None:
    """r1 = (1 - d) / 2, r2 = r1 (1 + d): one turn settles the first node, two the second."""
    for damping in (0.0, 0.3, 0.85):
        one = (1 - damping) / 2
        found = pagerank(np.array([[0.0, 7.0], [0.0, 0.0]]), damping=damping)
        assert found == pytest.approx([one, one * (1 + damping)], abs=1e-15)


def test_many_graphs_at_once_are_each_alone_to_the_last_bit() -> None:
    many = np.stack([graph(k) for k in range(6)])
    together = pagerank(many)
    assert all((together[k] == pagerank(many[k])).all() for k in range(6))
    scaled = pagerank(many * 4.0)
    assert (scaled == together).all()


def test_errors() -> None:
    with pytest.raises(InputError, match=r"shape \(2, 3\)"):
        pagerank(np.zeros((2, 3)))
    with pytest.raises(InputError, match="2 weights are negative, nan or infinite"):
        pagerank(np.array([[0.0, -1.0], [np.nan, 0.0]]))
    with pytest.raises(UsageError, match="damping=1"):
        pagerank(np.zeros((2, 2)), damping=1.0)
    with pytest.raises(UsageError, match="turns=0"):
        pagerank(np.zeros((2, 2)), turns=0)
    with pytest.raises(UsageError, match="dangling='kept'"):
        pagerank(np.zeros((2, 2)), dangling="kept")  # type: ignore[arg-type]  # what is refused
