"""The HTTP door and the page in the browser: ``sightword serve``.

`app` puts it together; `security` says who may ask; `gate` and `batching` keep it quick when many ask at
once; `asking` turns requests into queries; `jobs` keeps indexes fresh; `page/` is the page itself.
"""

from __future__ import annotations

from sightword.serve.app import create_app
from sightword.serve.settings import Settings

__all__ = ["Settings", "create_app"]
