"""Data sets that are built on this machine, from packages that anybody can get."""
