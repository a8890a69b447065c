"""Tables of docs/scale.md about cost and growth; those about recall are in ``_recall_tables.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from _findings import findings
from _growth import (
    FORMATS,
    core_hours,
    gpu_hours,
    nodes,
    rows_in_memory,
    rows_within,
    scan_ms,
    stored_bytes,
    vector_bytes,
)
from _growth_measured import Results
from _markdown import amount, bytes_of, count, share, table
from _recall_tables import flat_engines, needed, searching_engines, where_queries_lie

__all__ = ["BLOCKS", "Choice"]

MISSING = "Not measured yet."


@dataclass(frozen=True)
class Choice:
    """The reader's variables."""

    dim: int = 384
    pictures: tuple[float, ...] = (1e8, 5e9)
    node_gib: float = 256
    share: float = 0.7
    replicas: int = 2

    @property
    def node_bytes(self) -> float:
        """Memory of a node."""
        return self.node_gib * 2**30


def one_machine(results: Results, choice: Choice) -> str:
    """Cost per picture and per query, size by size."""
    head = [
        "pictures", "database + matrix, bytes a picture", "adding, ms a picture", "open, ms: cold / warm",
        "first query, ms: cold / warm", "query, ms: median / slowest", "query, 1 % pass the filter, ms",
        "what is known, s", "anonymous memory, MB",
    ]  # fmt: skip
    rows = [
        [
            count(row["rows"]),
            f"{row['database_bytes_per_picture']:.0f} + {row['matrix_bytes_per_picture']:.0f}",
            amount(1000 * (row["add_seconds"] + row["end_seconds"]) / row["added"]) if row["added"] else "-",
            f"{amount(row['cold_open_ms'])} / {amount(row['warm_open_ms'])}",
            f"{amount(row['cold_first_query_ms'])} / {amount(row['warm_first_query_ms'])}",
            f"{amount(row['query_ms_median'])} / {amount(row['query_ms_max'])}",
            amount(row["filter_1_percent_ms_median"]),
            amount(row["known_seconds"]),
            amount(row["anonymous_mb"]),
        ]
        for row in results.sizes()
    ]
    return f"{table(head, rows)}\n\n{results.source('scale', 'scale_3m')}"


def cluster(results: Results, choice: Choice) -> str:
    """The same queries to a Milvus server."""
    names = ("scale_milvus", "scale_milvus_1m")
    found = [row for name in names for row in (results.report(name) or {"results": {}})["results"].values()]
    if not found:
        return MISSING
    head = [
        "pictures", "adding, ms a picture", "open, ms", "query, ms: median / slowest",
        "query, 1 % pass the filter, ms", "what is known, s", "memory of the server, MB",
    ]  # fmt: skip
    rows = [
        [
            count(row["rows"]),
            amount(1000 * (row["add_seconds"] + row["end_seconds"]) / row["added"]) if row["added"] else "-",
            amount(row["warm_open_ms"]),
            f"{amount(row['query_ms_median'])} / {amount(row['query_ms_max'])}",
            amount(row["filter_1_percent_ms_median"]),
            amount(row["known_seconds"]),
            amount(row["server_mb"]) if "server_mb" in row else "-",
        ]
        for row in found
    ]
    return f"{table(head, rows)}\n\n{results.source(*names)}"


NAMES = {"starter": "starter", "vit_b32_random": "ViT-B/32-shaped"}


def encoders(results: Results, choice: Choice) -> str:
    """Processor time of one picture."""
    head = ["encoder", "decode d, ms", "encode e, ms", "end to end / CPU limit", "pictures/s, whole machine"]
    rows = [
        [NAMES[name], f"{it.decode_ms:.2f}", f"{it.encode_ms:.2f}", f"{it.reached:.2f}", amount(it.whole)]
        for name, it in results.encoders().items()
    ]
    return f"{table(head, rows)}\n\n{results.source('index_folder_starter', 'index_folder_vit')}"


def encoder_hours(results: Results, choice: Choice) -> str:
    """Reading all pictures."""
    encoders = results.encoders()
    head = ["pictures", *(f"core hours, {NAMES[name]}" for name in encoders)]
    head += ["GPU hours at r pictures/s", "core hours of decoding beside GPUs"]
    decoding = next(iter(encoders.values())).decode_ms
    rows = []
    for size in choice.pictures:
        hours = [core_hours(size, it.decode_ms, it.encode_ms, it.reached) for it in encoders.values()]
        beside = core_hours(size, decoding, 0)
        rows.append([count(size), *map(count, hours), f"{count(gpu_hours(size, 1))} / r", count(beside)])
    return table(head, rows)


ENGINES = {"fp32": "fp32", "fp16": "fp16", "int8": "int8", "pq D/4": "pq96", "pq D/8": "pq48"}
"""Formats of the model, as the engine that was measured."""


def node_table(results: Results, choice: Choice) -> str:
    """Storage, memory and nodes."""
    head = ["pictures", "vectors as", "bytes a vector", "memory, once", f"nodes, {choice.replicas} replicas"]
    head += ["vectors a node", "recall@10 of `pic2word+pdv`, 42 rescored"]
    head += ["all vectors of a node read by one thread (fp32)"]
    query = results.million()["query_ms_median"]
    rows = []
    for size in choice.pictures:
        for kind in FORMATS:
            each = vector_bytes(kind, choice.dim)
            held = nodes(size, each, choice.node_bytes, choice.share, choice.replicas)
            recall = results.recall(ENGINES[kind], "pic2word+pdv", rescored=0 if kind == "fp32" else 42)
            took = scan_ms(held.rows, query, size=choice.dim / results.dim) / 1000
            rows.append([count(size), kind, amount(each), bytes_of(size * each), count(held.count)])
            rows[-1] += [f"{amount(held.rows / 1e6)} M", "-" if recall is None else share(recall)]
            rows[-1].append(f"{amount(took)} s" if kind == "fp32" else "-")
    stored = "; ".join(
        f"{count(size)} pictures: {bytes_of(_stored(results, choice, size))}" for size in choice.pictures
    )
    said = f"D = {choice.dim}, M = {choice.node_gib:g} GiB, u = {choice.share:g}, R = {choice.replicas}."
    return f"{table(head, rows)}\n\n{said} The index on disk (database and matrix): {stored}."


def _stored(results: Results, choice: Choice, size: float) -> float:
    million = results.million()
    database, matrix = million["database_bytes_per_picture"], million["matrix_bytes_per_picture"]
    return stored_bytes(size, database, matrix, choice.dim, results.dim)


def when(results: Results, choice: Choice) -> str:
    """Where one machine ends."""
    million = results.million()
    query = million["query_ms_median"] * choice.dim / results.dim
    matrix = million["matrix_bytes_per_picture"] + 4 * (choice.dim - results.dim)
    known, rewrite = million["known_seconds"], million["longest_add_seconds"]
    rows = []

    def add(wanted: str, measured: str, pictures: float) -> None:
        rows.append([wanted, measured, f"{amount(pictures / 1e6)} M"])

    for budget in (50, 100, 250, 1000):
        add(f"a query within {budget} ms", f"{amount(query)} ms a million", rows_within(budget, query))
    for rate in (1, 10, 100):
        told = f"{amount(1000 / query)} a second at a million"
        add(f"{rate} a second on one core, one after the other", told, rows_within(1000 / rate, query))
    for gib in (8, 16, 64):
        told = f"{matrix:.0f} bytes a picture"
        rows_held = rows_in_memory(gib * 2**30, choice.share, matrix)
        add(f"the matrix stays in memory: {gib} GiB, of which {choice.share:g}", told, rows_held)
    add("an update begins within 10 s (reads what is known)", f"{amount(known)} s a million", 1e7 / known)
    told = f"{amount(rewrite)} s at a million"
    add("no batch waits more than 30 s for a new matrix", told, 3e7 / rewrite)
    return table(["what is wanted", "measured", "one machine does it up to (pictures)"], rows)


BLOCKS: dict[str, Callable[[Results, Choice], str]] = {
    "one machine": one_machine,
    "cluster": cluster,
    "encoders": encoders,
    "findings": findings,
    "queries": where_queries_lie,
    "flat": flat_engines,
    "ann": searching_engines,
    "needed": needed,
    "encoder hours": encoder_hours,
    "nodes": node_table,
    "when": when,
}
