"""What the catalogue tells of products that it does not save one by one, which is no post_save."""

from __future__ import annotations

from django.dispatch import Signal

# added: Sequence[Product]; changed: Sequence[tuple[Product, {field: [old, new]}]]; by: the user who imports them.
# In the transaction that saved them.
products_imported = Signal()
# product; old, new: its stock; by: a user, or the name of what did it; note: why. Not for orders. In the transaction.
stock_set = Signal()
