"""Coding operators: ``f(s, Σ(T))``, who writes the programs."""
