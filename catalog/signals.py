"""What the catalogue tells of products that it saves many at once, which is no post_save."""

from __future__ import annotations

from django.dispatch import Signal

# added: Sequence[Product]; changed: Sequence[tuple[Product, {field: [old, new]}]]; by: the user who imports them.
# In the transaction that saved them.
products_imported = Signal()
