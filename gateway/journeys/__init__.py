"""One verb per file: what the system does for somebody. `ls` is its table of contents."""
