"""StyleShift: a composed-retrieval benchmark from emoji in seven styles (docs/styleshift.md)."""
