{{/* What Redis and PostgreSQL share. */}}

{{/* The claim of a StatefulSet's volume. It can never be changed, and so its labels name no version. dict "root" $ "part" "redis" */}}
{{- define "throughline.claim" -}}
{{- $storage := (get .root.Values .part).storage -}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: data
    labels:
      {{- include "throughline.selector" . | nindent 6 }}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with $storage.className }}
    storageClassName: {{ . }}
    {{- end }}
    resources: {requests: {storage: {{ $storage.size }}}}
{{- end -}}
