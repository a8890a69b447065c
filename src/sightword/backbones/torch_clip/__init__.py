"""Backbones in torch (extra ``[torch]``): open_clip's models, checkpoints, Hugging Face's CLIP folders."""
