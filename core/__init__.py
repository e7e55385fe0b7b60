"""Shared library code: no models, imports no app. Every app may import it."""
