"""Commands for development that are no part of the product."""
