{{/*
The probes of a worker: the files that worker/liveness.py touches, in an emptyDir at /tmp (PROBES_DIR). No probe starts Python
or asks Redis: `celery inspect ping` needs seconds of CPU time and a Redis, and fails when a worker is busy.

An emptyDir outlives its container, and so would the files of the one before; the kubelet makes /dev/termination-log for each
container anew. A pod is ready once its worker has taken messages from Redis, and stays so while Redis is away.
*/}}
{{- define "throughline.workerProbes" -}}
startupProbe: # a worker with heavy tasks of your own may import for five minutes
  exec: {command: [test, /tmp/alive, -nt, /dev/termination-log]}
  periodSeconds: 2
  timeoutSeconds: 10
  failureThreshold: 150
readinessProbe:
  exec: {command: [test, /tmp/ready, -nt, /dev/termination-log]}
  periodSeconds: 3 # a rollout waits for it, worker by worker
  timeoutSeconds: 10
livenessProbe:
  exec: {command: [sh, -c, 'test -n "$(find /tmp/alive -mmin -1)"']}
  periodSeconds: 20
  timeoutSeconds: 10
  failureThreshold: 6
{{- end -}}
