"""国密: SM2, SM3 and SM4 as a library. Knows nothing of provinces, claims or settings."""
