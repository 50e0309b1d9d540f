"""Make the environments of all peers."""

from benchmarks.peers import PEERS, python_of

for peer in PEERS:
    print(f"{peer}: {python_of(peer) or 'left out'}")
