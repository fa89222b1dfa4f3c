"""The coding operator with a language model behind it: drafts, debugs and improves whole programs."""
