"""The services that executors need."""

from tests.services.docker import docker_image

__all__ = ["docker_image"]
