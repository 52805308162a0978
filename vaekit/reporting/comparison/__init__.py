"""The comparison: a page like the report, of several models; each module files its sections under @compared."""
