#!/bin/sh
# Keeps a file that NGINX writes bounded: a full one becomes FILE.1, replacing the one before, and NGINX begins another.
# It also does so when the file, or its folder, was removed or moved. Ends with NGINX: rotate.sh PID FILE [BYTES]
set -eu
nginx=$1 file=$2 most=${3:-67108864}
known='' # the file that NGINX writes to

while sleep 1 && kill -0 "$nginx" 2>/dev/null; do
  size=$({ wc -c <"$file"; } 2>/dev/null || echo 0)
  [ "$size" -le "$most" ] || mv "$file" "$file.1" || continue
  found=$(ls -i "$file" 2>/dev/null) || found=''
  if [ -z "$found" ] || [ "$found" != "${known:-$found}" ]; then
    [ -d "${file%/*}" ] || mkdir -m 700 "${file%/*}" 2>/dev/null || continue
    kill -USR1 "$nginx" || true
    found=''
  fi
  known=$found
done
