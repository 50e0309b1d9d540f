"""petricore's figures, each beside its peers and limits, measured in the same run: `python -m benchmarks`."""
