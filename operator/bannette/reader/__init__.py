"""A binder over HTTP, for the console: pages of documents, their files, data entry's word, and the history of runs.

One process serves one binder, to whoever has one token, and ends when nobody asks any more. It runs where the binder's
storage can be mounted; the console, which faces the web, holds no right over it but to ask.
"""
