"""LEARN: one readable loop, one objective file per trainable method. Needs the extra ``torch``."""
