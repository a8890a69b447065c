"""``sightword data NAME DIR``: build a data set on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from sightword.cli.options import CONTEXT, json_option

__all__ = ["data_command"]


@click.group("data", context_settings=CONTEXT, short_help="Build a data set from packages.")
def data_command() -> None:
    """Build a data set on this machine, from packages that anybody can get."""


@data_command.command("styleshift", context_settings=CONTEXT)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--split",
    multiple=True,
    type=click.Choice(["test", "validation", "train"]),
    default=("test", "validation"),
    help="Which part to build; may be given several times. [default: test and validation]",
)
@click.option(
    "--from",
    "from",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder that has the packages already; nothing is downloaded then.",
)
@click.option("--npm-mirror", metavar="URL", help="Where npm's packages are. [default: asks npm]")
@click.option("--debian-mirror", metavar="URL", help="Where Debian's packages are. [default: asks apt-get]")
@json_option()
def styleshift_command(
    directory: Path,
    split: tuple[str, ...],
    npm_mirror: str | None,
    debian_mirror: str | None,
    json: bool,
    **other: tuple[Path, ...],
) -> None:
    """Build StyleShift in DIRECTORY, a benchmark for "this picture, but ...".

    Downloads about 350 MB of packages once, checks them, and draws about 6,500 pictures in some minutes.
    Interrupted downloads go on where they stopped. Needs the extra sightword[data].
    """
    from sightword.cli.megabytes import Megabytes
    from sightword.cli.output import plain, print_json
    from sightword.cli.progress import Bar
    from sightword.config import cache_home
    from sightword.datasets.fetch import obtain
    from sightword.datasets.styleshift.build import build, sources
    from sightword.datasets.styleshift.render import check_renderer

    check_renderer()  # before anything is downloaded
    mirrors = {"npm": npm_mirror, "debian": debian_mirror}
    with Bar("MB") as bar:
        packages = obtain(
            sources(),
            cache_home() / "downloads",
            places=other["from"],
            mirrors={name: url for name, url in mirrors.items() if url},
            progress=Megabytes(bar),
        )
    with Bar() as bar:
        built = build(directory, packages, splits=split, progress=bar)
    if json:
        print_json(
            {
                "directory": str(directory),
                "pictures": built.pictures,
                "queries": built.queries,
                "left_out": built.left_out,
            }
        )
        return
    for name in built.pictures:
        click.echo(f"{name}: {built.pictures[name]:,} pictures, {built.queries.get(name, 0):,} queries")
    click.echo(f"Left out {built.left_out} drawings that cannot be read; manifest.json lists them.", err=True)
    click.echo(f"Next: sightword evaluate styleshift --data {plain(directory)}", err=True)


@data_command.command("coco-compose", context_settings=CONTEXT)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--seed", type=int, default=0, show_default=True, help="Which object of each picture is drawn.")
@json_option()
def coco_compose_command(directory: Path, seed: int, json: bool) -> None:
    """Write the object composition benchmark into DIRECTORY, which has COCO's val2017 and its annotations."""
    from sightword.cli.output import plain, print_json
    from sightword.cli.progress import Bar
    from sightword.evaluation.coco_csv import write_coco_compose

    with Bar() as bar:
        queries = write_coco_compose(directory, seed=seed, progress=bar)
    if json:
        print_json({"directory": str(directory), "queries": queries, "seed": seed})
        return
    click.echo(f"{queries:,} queries (published: 4,766, drawn without a seed)")
    click.echo(f"Next: sightword evaluate coco-compose --data {plain(directory)}", err=True)
