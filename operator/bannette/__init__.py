"""Bannette collects a client's documents from OneDrive, reads them, and puts them in the company's inbox."""
