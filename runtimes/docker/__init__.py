"""Actions in containers of a Docker engine. Needs `petricore[docker]`."""

from petricore.runtimes.docker.executor import DockerExecutor
from petricore.runtimes.docker.image import Image

__all__ = ["DockerExecutor", "Image"]
