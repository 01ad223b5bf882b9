"""The map on the home page: NGINX, the replicas, the queues and the workers, and what flows between them."""
