#!/bin/sh
# Writes the line service.started of NGINX, in the shape of every other process's: NODE VERSION PID.
set -eu
printf '{"@timestamp":"%s","log.level":"notice","message":"%s runs version %s","service.name":"nginx",' \
  "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$1" "$2"
printf '"service.node.name":"%s","service.version":"%s","process.pid":%d,"event.action":"service.started"}\n' "$1" "$2" "$3"
