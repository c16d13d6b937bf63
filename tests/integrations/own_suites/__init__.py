"""The frameworks' own suites, as their source archives on the registry have them, with ours put in.

`noxfile.py` downloads an archive and runs its tests with one of these plugins (`pytest -p`). The
plugins are loaded by their bare names: the archives have a package `tests` of their own.
"""
