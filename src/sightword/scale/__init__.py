"""BULK: read more pictures than one machine wants to, with the same code and the same answers.

One pipeline, read -> decode -> encode -> write, on two engines: ``local`` (this process) and ``ray`` (a
cluster). Both run `decoding.Decoder` and `sightword.update.encoder.Encoder`; an engine only says where.
"""

from __future__ import annotations

from sightword.scale.bulk import BulkReport, bulk_index
from sightword.scale.engines import EngineChoice

__all__ = ["BulkReport", "EngineChoice", "bulk_index"]
