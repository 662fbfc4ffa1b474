"""What the house is kept with: install, check, test, generate, lock. None of it runs in service."""
