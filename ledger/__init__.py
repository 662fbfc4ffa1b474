"""账本: money, double entry and a transparency log. Imports nothing of the gateway's."""
