"""``sightword models export``, ``import`` and ``push``: to and from the formats and places of others."""

from __future__ import annotations

from pathlib import Path

import click

from sightword.cli.options import CONTEXT, json_option

__all__ = ["export_command", "import_command", "push_command"]


@click.command("export", context_settings=CONTEXT)
@click.argument("name")
@click.option(
    "--to",
    metavar="PATH",
    required=True,
    type=click.Path(path_type=Path),
    help="The directory of a backbone, or the file of a phi.",
)
@click.option(
    "--format",
    metavar="FORMAT",
    help="For a phi: searle, lincir or pic2word, the checkpoints that those projects' scripts load.",
)
@click.option("--for-backbone", metavar="NAME", help="The backbone a phi is for, when several have it.")
@click.option("--activation", metavar="NAME", help="gelu or quickgelu, for a checkpoint that does not say.")
@click.option("--offline", is_flag=True, help="Take only what is here already.")
@json_option()
def export_command(
    name: str,
    to: Path,
    format: str | None,  # noqa: A002 - the option's name
    for_backbone: str | None,
    activation: str | None,
    offline: bool,
    json: bool,
) -> None:
    """Write a backbone as a portable directory, or a phi in another project's format.

    \b
    sightword models export ViT-L-14/openai --to vit-l
    sightword models export ViT-B-32-gelu@epoch_30.pt --to mine
    sightword models export pic2word --format pic2word --to pic2word.pt

    A backbone is whatever `--backbone` takes: open_clip's MODEL/TAG (extra "torch"; fetched once), a folder
    in open_clip's or transformers' layout, or MODEL-gelu@FILE. The written one is compared with the original;
    nothing is left unless the cosines are at least 0.9999. After that, `sightword models add DIRECTORY` and
    searching need no torch.
    """
    from sightword.cli.exchanging import export_model, export_phi_file
    from sightword.cli.output import plain, print_json

    if format is not None:
        path = export_phi_file(name, format, to, for_backbone)
        if json:
            print_json({"file": str(path), "format": format})
        else:
            click.echo(f"Wrote {plain(str(path))}.")
        return
    done = export_model(name, to, activation, offline)
    if json:
        print_json(
            {
                "directory": str(done.directory),
                "name": done.spec.name,
                "compared": done.compared,
                "cosine": done.cosine,
                "exact": list(done.spec.exact),
            }
        )
        return
    click.echo(f"Wrote {plain(done.spec.name)} to {plain(str(done.directory))}.")
    click.echo(f"{done.compared} answers equal torch's: smallest cosine {done.cosine:.6f}.", err=True)


@click.command("import", context_settings=CONTEXT)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The new directory."
)
@click.option(
    "--backbone",
    metavar="NAME",
    help="What it was trained for. [default: the paper's, by the size of its features]",
)
@click.option("--as", metavar="METHOD", help="searle or lincir. [default: by FILE's name]")
@click.option("--offline", is_flag=True, help="Take only what is here already.")
@json_option()
def import_command(
    file: Path, out: Path, backbone: str | None, offline: bool, json: bool, **more: str | None
) -> None:
    """Read a released checkpoint: a phi of SEARLE, LinCIR or Pic2Word, or CLIP4Cir's Combiner.

    \b
    sightword models import SEARLE_ViT-L14.pt --backbone ViT-L-14/openai --out searle

    FILE is opened as data, never as code. The directory is compared with the original network before it is
    kept, and a phi's words with random ones on the backbone: a warning says when they mean no more. Use it
    with `--method DIR`, or `sightword models add DIR` first.
    """
    from sightword.cli.exchanging import import_file
    from sightword.cli.output import plain, print_json

    done = import_file(file, out, backbone, more["as"], offline)
    meaning = done.meaning
    if json:
        told = None if meaning is None else meaning.__dict__
        print_json({**done.__dict__, "directory": str(done.directory), "meaning": told})
    else:
        click.echo(f"Wrote the {done.method} for {plain(done.backbone)} to {plain(str(done.directory))}.")
        click.echo(f"It answers as the original does: largest difference {done.difference:.1e}.", err=True)
    if meaning is not None:
        compared = f"cosine {meaning.cosine:.3f}, of random words {meaning.random:.3f}"
        if meaning.holds:
            click.echo(f"Its words mean the pictures they are made of: {compared}.", err=True)
        else:
            click.echo(
                f"Warning: its words say no more of a picture than random words do ({compared}): it may "
                f"belong to another backbone than {plain(done.backbone)}.",
                err=True,
            )


@click.command("push", context_settings=CONTEXT)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("repo", metavar="OWNER/NAME")
@click.option("--revision", metavar="BRANCH", help="Another branch than the default one.")
@click.option("--private", is_flag=True, help="Make a new repository private.")
@json_option()
def push_command(directory: Path, repo: str, revision: str | None, private: bool, json: bool) -> None:
    """Check the model in DIRECTORY and upload it to the Hugging Face hub (after `hf auth login`).

    Others then use it as hf-hub:OWNER/NAME, for --backbone or --method.
    """
    from sightword.cli.exchanging import push_model
    from sightword.cli.output import plain, print_json

    names, address = push_model(directory, repo, revision, private)
    if json:
        print_json({"files": names, "commit": address})
    else:
        click.echo(f"Sent {len(names)} files: {plain(address)}")
