"""The commands of `yrd` that have a file of their own; gateway/cli mounts them."""
