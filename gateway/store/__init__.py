"""存储: our own database. Implements ports.Store, Log, MsgidSource and Hasher; asks nobody else."""
