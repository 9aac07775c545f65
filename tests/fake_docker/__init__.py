"""A fake docker client for the command-line tests; `client.py` is the program."""
