"""A Ray cluster of three nodes on this machine that serves click99: the door on the head, a replica on each
of the others. Arguments: folder, port, settings as JSON. A line on the standard input has one node die, and
another come; the next one ends all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ray
from ray import serve
from ray.cluster_utils import Cluster

from click99.server import ray_serve
from click99.server.settings import Settings

STORE = 2**27  # bytes


def main(folder: str, port: str, settings: str) -> None:
    (files := Path(folder) / "ray").mkdir()
    head = {"num_cpus": 0, "resources": {"head": 1}, "include_dashboard": False, "temp_dir": str(files)}
    cluster = Cluster(initialize_head=True, head_node_args=head | {"object_store_memory": STORE})
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=STORE) for _ in range(2)]
    ray.init(cluster.address)
    on_head = {"num_cpus": 0, "resources": {"head": 0.01}}
    ray_serve.Door = ray_serve.Door.options(ray_actor_options=on_head)
    # A proxy on each node would share the head's port, and take the clicks that it holds with it.
    serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": int(port)})
    serve.run(ray_serve.application_of(Settings(**json.loads(settings))), name="click99")
    print("up", flush=True)
    sys.stdin.readline()
    cluster.remove_node(nodes[1], allow_graceful=False)
    print("killed", flush=True)
    cluster.add_node(num_cpus=1, object_store_memory=STORE)
    sys.stdin.readline()
    serve.shutdown()
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
