"""The parts of the runtime client for Python. It needs Python 3.9 and nothing but the standard library."""
