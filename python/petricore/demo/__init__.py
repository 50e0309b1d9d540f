"""The demo: an agent that reads what buyers say in five shops, on a web server that ships with the package.

`agent.py` is the example to read and to copy. The shops, their products and their customers are invented.
"""
