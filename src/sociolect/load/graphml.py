"""GraphML: nodes and edges of a graph file in XML (Brandes et al. 2002)."""

from pathlib import Path
from xml.parsers import expat  # a document type, and so every entity, is refused below

import polars as pl

from sociolect.errors import InputError
from sociolect.load.aside import Aside
from sociolect.load.gml import Record, frame


def graphml(path: Path, name: str, aside: Aside) -> tuple[pl.DataFrame, pl.DataFrame, bool]:
    """Nodes (id and traits), edges (source, target and traits), all text, and whether edges have a direction.

    Traits go by their `attr.name`; a default stands where a node or edge says nothing. Nodes of graphs inside nodes are
    nodes; a hyperedge is counted and left out, as are an edge of the other direction than the file's (it is read as the
    file's) and a node with another's id. Raises InputError for XML that is not well formed, declares a document type
    (where entities could grow without end), or holds no graph.
    """
    reading = _Reading(name, aside)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = reading.doctype
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise InputError(
            f"{name}, line {error.lineno} is no XML ({expat.ErrorString(error.code)}): it was cut or is no GraphML; "
            "fetch or write it again"
        ) from None
    if reading.directed is None:
        raise InputError(f"{name} is XML and holds no <graph>: it is no GraphML file")
    nodes = frame(reading.filled("node"), ["id"])
    edges = frame(reading.filled("edge"), ["source", "target"])
    if nodes.height:
        once = nodes.filter(pl.col("id").is_not_null())
        aside.add("node without an id", nodes.height - once.height, name, "give it an id; its ties cannot be told")
        nodes = once.unique("id", keep="first", maintain_order=True)
        aside.add("node with another's id", once.height - nodes.height, name, "nothing: the first one's traits stand")
        here = nodes["id"].implode()
        known = edges.filter(
            pl.all_horizontal(pl.col(c).is_in(here) | pl.col(c).is_null() for c in ("source", "target"))
        )
        aside.add("tie to a node that the file does not list", edges.height - known.height, name, "list it as a node")
        edges = known
    return nodes, edges, reading.directed


class _Reading:
    """What has been read so far; expat calls a method for each mark."""

    def __init__(self, name: str, aside: Aside) -> None:
        self.name, self.aside = name, aside
        self.directed: bool | None = None
        self.names: dict[str, str] = {}
        self.defaults: dict[str, Record] = {"node": {}, "edge": {}, "all": {}}
        self.records: dict[str, list[Record]] = {"node": [], "edge": []}
        self.open: list[Record] = []
        self.key = ""
        self.of = ""  # what the <key> that is open is for
        self.said: list[str] | None = None

    def doctype(self, *_: object) -> None:
        raise InputError(
            f"{self.name} declares a document type, where entities can grow without end: delete its <!DOCTYPE ...> line"
        )

    def start(self, tag: str, has: Record) -> None:
        match tag.rsplit(" ", 1)[-1]:
            case "key":
                self.key, self.of = has.get("id", ""), has.get("for", "all")
                self.names[self.key] = has.get("attr.name", self.key)
            case "graph":
                self.directed = (
                    has.get("edgedefault", "undirected") == "directed" if self.directed is None else self.directed
                )
            case "node":
                self.open.append({"id": has["id"]} if "id" in has else {})
                self.records["node"].append(self.open[-1])
            case "edge":
                self.open.append({end: has[end] for end in ("source", "target") if end in has})
                self.records["edge"].append(self.open[-1])
                if "directed" in has and (has["directed"] == "true") != self.directed:
                    self.aside.add("edge of the other direction, read as the file's", 1, self.name, "use two files")
            case "hyperedge":
                self.aside.add("hyperedge, left out", 1, self.name, "write it as edges between pairs")
                self.open.append({})
            case "data":
                self.key, self.said = has.get("key", ""), []
            case "default":
                self.said = []

    def text(self, said: str) -> None:
        if self.said is not None:
            self.said.append(said)

    def end(self, tag: str) -> None:
        match tag.rsplit(" ", 1)[-1]:
            case "node" | "edge" | "hyperedge":
                self.open.pop()
            case "data":
                said = "".join(self.said or []).strip()
                if self.open and said:
                    self.open[-1].setdefault(self.called(), said)
                self.said = None
            case "default":
                if said := "".join(self.said or []).strip():
                    self.defaults.setdefault(self.of, {})[self.called()] = said
                self.said = None

    def called(self) -> str:
        """The name of the trait: one called like an end of the edge, or like the id, must not take its place."""
        name = self.names.get(self.key, self.key)
        return f"{name}_" if name in {"id", "source", "target"} else name

    def filled(self, kind: str) -> list[Record]:
        default = self.defaults["all"] | self.defaults[kind]
        return [default | record for record in self.records[kind]] if default else self.records[kind]
