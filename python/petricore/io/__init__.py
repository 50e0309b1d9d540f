"""Nets in and out: PNML, JSON, networkx and pm4py as data; DOT, Mermaid and SVG as drawings.

`petricore.read_pnml`, `petricore.write_pnml` and the methods of `Net` are the public face of these modules.
Each loads its own module on first use, so importing petricore costs nothing for formats that are not used.
"""
