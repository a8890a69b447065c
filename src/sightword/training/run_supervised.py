"""Each supervised method from a session and its own options to the finished directory (to be filled).

``run_supervised(session, make, triplets=..., **options)`` opens the triplets, computes what the network
``needs`` once (``triplet_features.py``), splits off the held-out groups, trains with ``loop.py``, measures
recall on the held-out triplets, keeps the best weights and writes config.json, model.safetensors, README.md
and training.json. A method's own module gives `make`: from (`BackboneSpec`, ...) to a `Composed` module.
"""
