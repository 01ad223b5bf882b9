#!/bin/sh
# Keeps a file that NGINX writes bounded: a full one becomes FILE.1, replacing the one before, and NGINX begins another.
# Ends with NGINX: rotate.sh PID FILE [BYTES]
set -eu
nginx=$1 file=$2 most=${3:-67108864}

while sleep 1 && kill -0 "$nginx" 2>/dev/null; do
  size=$(wc -c <"$file" 2>/dev/null || echo 0)
  if [ "$size" -gt "$most" ]; then
    mv "$file" "$file.1" && kill -USR1 "$nginx"
  fi
done
