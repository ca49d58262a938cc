"""Not time: what Leiden and Louvain recover of the published groups in 13 real networks, beside networkx's Louvain.

`python benchmarks/real_networks.py FOLDER [--seeds 10] [--peer-seeds 10] [--large-peer-seeds 2] [--only NAME ...] [--out FILE]`:
FOLDER holds facebook100_subset, rt8_irish_abortion_mentions and community_graphs_small.

Each line is one finder on one network against one truth: communities found, modularity, normalised and adjusted mutual
information (NMI, AMI) and adjusted Rand index (ARI), each as the mean over seeds with the lowest and highest in brackets.
That is a range over seeds and says nothing of another network. Both sides get the same ties and the same truths; seeds are
0, 1, ...; networkx gets fewer on networks of more than 100,000 ties. NMI rises with the number of communities by chance;
AMI and ARI do not.

The camps of rt8 are Louvain's own output on a later export (`membership`): agreement replicates, it does not validate.
Facebook's dorm and year are those within a school.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import networkx as nx
import numpy as np
import polars as pl
from sklearn.metrics import adjusted_mutual_info_score

from sociolect import frames
from sociolect.find.graph import graph
from sociolect.find.largest_component import largest_component
from sociolect.find.leiden import leiden
from sociolect.find.louvain import louvain
from sociolect.find.quality import adjusted_rand, modularity, normalised_mutual_information
from sociolect.frames import Members, Society
from sociolect.load.network import network

SCHOOLS = ("Amherst41", "Cornell5", "Johns_Hopkins55", "Reed98")
LARGE = 100_000  # ties; ours: networkx takes minutes above
HEAD = (
    "network",
    "people",
    "ties",
    "truth",
    "n",
    "resolution",
    "finder",
    "seeds",
    "communities",
    "modularity",
    "NMI",
    "AMI",
    "ARI",
    "s",
)


class Case(NamedTuple):
    """A network, its truths by name, and the resolutions to find at."""

    name: str
    society: Society
    truths: dict[str, Members]
    resolutions: tuple[float, ...] = (1.0,)


def truth(society: Society, *traits: str) -> Members:
    """The people of whom the traits are known, by the values together."""
    named = society.people.drop_nulls(list(traits))
    community = pl.concat_str([pl.col(t).cast(pl.String) for t in traits], separator="/")
    return frames.members(named.select("person", community=community))


def cases(folder: Path) -> Iterator[Case]:
    why = "a benchmark on published, de-identified networks"
    for path in sorted((folder / "community_graphs_small").glob("*.gml*")):
        society = network(path, keep_ids=why)
        yield Case(path.name.split(".")[0], society, {"gt": truth(society, "gt")})
    rt8 = folder / "rt8_irish_abortion_mentions"
    society = network(
        rt8 / "RT8_mentions_anonymised_20240320.csv.gz",
        source="from",
        target="to",
        kind="mention",
        mutual=True,
        people=rt8 / "RT8_communities_anonymised.csv",
        person="user",
        keep="membership",
        keep_ids=why,
    )
    yield Case(
        "rt8 (mutual mentions, largest part)",
        largest_component(society),
        {"camp": truth(society, "membership")},
        (1.0, 0.05),
    )
    society = network([folder / "facebook100_subset" / f"{s}.mat" for s in SCHOOLS], keep_ids=why)
    truths = {"school": truth(society, "network")}
    truths |= {name: truth(society, "network", name) for name in ("dorm", "year")}
    yield Case("facebook100 (four schools)", society, truths)


def peer(society: Society, *, resolution: float, seed: int) -> Members:
    """The communities of networkx's Louvain."""
    net = graph(society.ties)
    g: nx.Graph[str] = nx.Graph()
    g.add_weighted_edges_from(
        zip(net.persons.gather(net.a), net.persons.gather(net.b), net.weight.tolist(), strict=True)
    )
    found = nx.community.louvain_communities(g, resolution=resolution, seed=seed)
    rows = [(person, f"c{i}") for i, one in enumerate(found) for person in one]
    return frames.members(pl.DataFrame(rows, schema=["person", "community"], orient="row").sort("person"))


def adjusted(a: Members, b: Members) -> float:
    """Adjusted mutual information over the people whom both know (Vinh, Epps, Bailey 2010; scikit-learn's)."""
    both = a.join(b, on="person")
    return float(adjusted_mutual_info_score(both["community"], both["community_right"]))


def spread(values: list[float], digits: int = 3) -> str:
    return f"{np.mean(values):.{digits}f} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def lines(case: Case, seeds: int, peer_seeds: int) -> Iterator[tuple[str, ...]]:
    net = graph(case.society.ties)
    finders: dict[str, tuple[Callable[..., Members], int]] = {
        "leiden": (leiden, seeds),
        "louvain": (louvain, seeds),
        "networkx Louvain": (peer, peer_seeds),
    }
    for resolution in case.resolutions:
        for name, (finder, times) in finders.items():
            if not times:
                continue
            found, seconds = [], []
            for seed in range(times):
                began = time.perf_counter()
                found.append(finder(case.society, resolution=resolution, seed=seed))
                seconds.append(time.perf_counter() - began)
            q = spread([modularity(case.society.ties, m, resolution=resolution) for m in found], 4)
            k = spread([float(m["community"].n_unique()) for m in found], 0)
            for what, known in case.truths.items():
                nmi = [normalised_mutual_information(m, known) for m in found]
                yield (
                    case.name, f"{net.persons.len():,}", f"{net.a.size:,}", what, f"{nmi[0].n:,}", f"{resolution:g}", name,
                    str(times), k, q, spread([one.value for one in nmi]), spread([adjusted(m, known) for m in found]),
                    spread([adjusted_rand(m, known).value for m in found]), f"{np.median(seconds):.2f}",
                )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--peer-seeds", type=int, default=10)
    parser.add_argument("--large-peer-seeds", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--out", type=Path)
    said = parser.parse_args()
    written = [f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    print("\n".join(written), flush=True)
    for case in cases(said.folder):
        if said.only and not any(case.name.startswith(name) for name in said.only):
            continue
        large = graph(case.society.ties).a.size > LARGE
        for line in lines(case, said.seeds, said.large_peer_seeds if large else said.peer_seeds):
            written.append(f"| {' | '.join(line)} |")
            print(written[-1], flush=True)
    if said.out:
        said.out.write_text("\n".join(written) + "\n")


if __name__ == "__main__":
    main()
