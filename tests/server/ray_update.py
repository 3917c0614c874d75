"""A Ray of this machine alone that serves click99 and then other settings of it, replica after replica, as
`serve deploy` does. Arguments: folder, port, settings as JSON, those of the update. A line on the standard
input begins the update, the next one ends all."""

from __future__ import annotations

import json
import sys

import ray
from ray import serve

from click99.server import ray_serve
from click99.server.settings import Settings


def main(folder: str, port: str, before: str, after: str) -> None:
    settings = Settings(**json.loads(before))
    ray_serve.start_ray(settings, folder)
    # Two as in docker/helm/ray.yaml: one lets in while one goes.
    ray_serve.Door = ray_serve.Door.options(num_replicas=2)
    serve.start(http_options={"host": "127.0.0.1", "port": int(port)})
    serve.run(ray_serve.application_of(settings), name=ray_serve.NAME)
    print("up", flush=True)
    sys.stdin.readline()
    serve.run(ray_serve.application_of(Settings(**json.loads(after))), name=ray_serve.NAME)
    print("updated", flush=True)
    sys.stdin.readline()
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
