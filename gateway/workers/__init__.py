"""What goes on behind the calls: unknown outcomes, checkpoints, the outbox."""
