"""安徽: one province's platform. README.md says what is known of it and what is assumed."""
