"""``sightword serve``: the HTTP service and the page in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sightword.cli.options import (
    CONTEXT,
    PlaceType,
    backbone_option,
    index_option,
    load_defaults,
    pictures_option,
)
from sightword.cli.ranges import FloatRange, IntRange

if TYPE_CHECKING:
    from sightword.index.milvus.address import Address
    from sightword.serve.settings import Settings

__all__ = ["serve_command"]

EPILOG = """\b
Examples:
  sightword serve ~/Pictures --open
  sightword serve holiday archive --watch
  sightword serve ~/Pictures --host 0.0.0.0 --api-key "$(openssl rand -hex 16)"
"""


def _take_folders(
    ctx: click.Context, param: click.Parameter, folders: tuple[Path | Address, ...]
) -> tuple[Path | Address, ...]:
    # One folder's settings file may name its method; several could only disagree.
    load_defaults(ctx, folders[0] if len(folders) == 1 and isinstance(folders[0], Path) else None)
    return folders


@click.command(
    "serve", context_settings=CONTEXT, epilog=EPILOG, short_help="A page in the browser, and HTTP."
)
@click.argument("folders", nargs=-1, type=PlaceType(), is_eager=True,
                metavar="FOLDER...", callback=_take_folders)  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, metavar="NAME", help="Where to listen.")
@click.option("--port", default=8765, show_default=True, type=IntRange(0, 65535),
              help="0 takes a free one.")  # fmt: skip
@click.option("--api-key", metavar="KEY", help="What visitors must know.")
@click.option("--allow-host", multiple=True, metavar="NAME",
              help="A further name of this server, such as a reverse proxy's; repeatable.")  # fmt: skip
@click.option("--tls-cert", metavar="FILE", type=click.Path(path_type=Path),
              help="Speak https with this certificate (PEM, with those that vouch for it).")  # fmt: skip
@click.option("--tls-key", metavar="FILE", type=click.Path(path_type=Path),
              help="The certificate's key (PEM), unless it is in the same file.")  # fmt: skip
@click.option("--insecure", is_flag=True, help="Listen beyond this machine without a key.")
@click.option("--method", metavar="NAME", default="default", show_default=True,
              help="What answers when a question names no method.")  # fmt: skip
@click.option("--watch", is_flag=True, help="Follow changes in the folders.")
@click.option("--open", is_flag=True, help="Open the page in the browser.")
@click.option("--rate", default=200.0, show_default=True, type=FloatRange(0.1), metavar="N",
              help="Requests per second of one visitor.")  # fmt: skip
@click.option("--no-update", is_flag=True, help="Serve the indexes as they are.")
@click.option("--no-batching", is_flag=True, help="Encode every request by itself (for measuring).")
@pictures_option()
@index_option()
@backbone_option()
def serve_command(folders: tuple[Path | Address, ...], **options: Any) -> None:
    """Serve FOLDERs: a page for people, and an HTTP API for programs.

    Without --api-key only this machine can ask. Ctrl-C ends it; what was accepted is answered first.
    """
    from sightword.cli.bring import say
    from sightword.errors import UsageError
    from sightword.index.milvus.address import Address
    from sightword.methods.names import check_name
    from sightword.search.composing import split_weight
    from sightword.serve.run import Certificate, bind, run, url_of
    from sightword.serve.settings import Settings, is_loopback

    if not folders and isinstance(options["index"], Address):
        folders, options["index"] = (options["index"],), None
    if not folders:
        raise click.UsageError("Missing argument 'FOLDER...'.")
    host, key = options["host"], options["api_key"]
    if key is not None and len(key) < 8:
        raise UsageError("The key is shorter than 8 characters.", "Make one: openssl rand -hex 16")
    if not is_loopback(host) and key is None:
        if not options["insecure"]:
            raise UsageError(
                f"On {host} others could see these pictures, and there is no key.",
                "Give --api-key KEY, or --insecure if that is meant.",
            )
        say("Everybody who can reach this machine can see these pictures (--insecure).")
    for name, what in (("index", "one index"), ("pictures", "one place of pictures")):
        if options[name] is not None and len(folders) > 1:
            raise UsageError(f"--{name} names {what}, but there are several folders.")
    check_name(split_weight(options["method"])[0])  # before the model is loaded
    if options["tls_key"] is not None and options["tls_cert"] is None:
        raise UsageError("--tls-key alone is not enough for https.", "Give --tls-cert FILE, too.")
    chain = options["tls_cert"]
    certificate = None if chain is None else Certificate(chain, options["tls_key"])
    if certificate is not None:
        certificate.check()
    sock = bind(host, options["port"])
    settings = Settings(
        host=host,
        port=sock.getsockname()[1],
        api_key=key,
        allowed_hosts=tuple(options["allow_host"]),
        tls=certificate is not None,
        insecure=options["insecure"],
        method=options["method"],
        watch=options["watch"],
        rate=options["rate"],
        burst=2 * options["rate"],
        batching=not options["no_batching"],
    )
    try:
        app = _app(folders, settings, options)
    except BaseException:
        sock.close()
        raise
    url = url_of(sock, host, tls=certificate is not None)

    def started() -> None:
        click.echo(url)
        say(f"Serving {', '.join(str(folder) for folder in folders)} at {url} (Ctrl-C ends it).")
        if options["open"]:
            # The key goes behind #: a browser does not send that part.
            click.launch(f"{url}#key={key}" if key else url)

    run(app, sock, started, certificate)


def _app(folders: tuple[Path | Address, ...], settings: Settings, options: dict[str, Any]) -> Any:
    from sightword.backbones import load_backbone
    from sightword.backbones.base import Backbone
    from sightword.cli.bring import spoken_warnings
    from sightword.index.milvus.address import Address
    from sightword.search import open as open_engine
    from sightword.serve import create_app

    def engines(backbone: Backbone) -> list[Any]:
        opened = [
            open_engine(
                folder,
                index=options["index"],
                backbone=backbone,
                method=settings.method,
                pictures=options["pictures"],
            )
            for folder in folders
        ]
        with spoken_warnings():
            for engine in opened:
                engine.load_method(settings.method)  # a mistyped name is told before anything starts
                # So is an index that cannot be used, and a collection that is not there: a service must not
                # read a whole folder into a new one because of a slip in its name.
                _ = engine.store if isinstance(engine.index, Address) else engine.indexed
        return opened

    backbone = load_backbone(options["backbone"])
    return create_app(engines, backbone, settings, refresh=not options["no_update"])
