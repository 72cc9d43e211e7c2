"""Takes a mail apart into parts: who wrote which words, and when. Pure and linear; knows nothing of databases."""

from harvester.splitting.links import own_links
from harvester.splitting.split import pair_own_parts, split_mail

__all__ = ["own_links", "pair_own_parts", "split_mail"]
